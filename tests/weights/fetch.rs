//! `perceive-ir weights fetch` from a server of this machine: what is published is installed, what was cut is continued, and
//! what is not the published file leaves nothing.
//!
//! The file is LPIPS's `alex.pth` as it is published (6009 bytes; its licence lies beside it).

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use super::server::{Reply, Request, Server, nobody};
use super::{Place, expect, said};

const ALEX: &[u8] = include_bytes!("alex.pth");
const SHA256: &str = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0";
const OFFICIAL: &str = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/";
const INSTALLED: [&str; 2] = ["lpips-alex.json", "lpips-alex.safetensors"];
const ONE: &str = "\"one\"";

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(&["weights", "fetch"]);
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.args(arguments);
    command
}

fn fetch(place: &Place, arguments: &[&str]) -> Output {
    command(place, arguments).output().unwrap()
}

fn alex(place: &Place, server: &Server) -> Output {
    fetch(place, &["lpips-alex", "--from", &server.address])
}

/// Sends the whole file, or the rest that is asked for.
fn honest(request: &Request) -> Reply {
    match request.range.as_deref().map(begin) {
        Some(from) => Reply::rest(ALEX, from),
        None => Reply::whole(ALEX),
    }
    .with("ETag", ONE)
}

/// `bytes=3000-`
fn begin(range: &str) -> usize {
    let from = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    from.unwrap().parse().unwrap()
}

fn ranges(server: &Server) -> Vec<Option<String>> {
    server.heard().into_iter().map(|request| request.range).collect()
}

fn part(place: &Place) -> PathBuf {
    place.home().join("weights/downloads/alex.pth.part")
}

#[test]
fn what_is_published_is_installed_and_asked_for_once() {
    let place = Place::new();
    let server = Server::new(|_, request| honest(request));
    let output = alex(&place, &server);
    expect(
        &output,
        0,
        &["installed lpips-alex from alex.pth", "1152 parameters", &server.address],
    );
    assert!(output.stdout.is_empty(), "{}", said(&output));
    assert_eq!(place.stored(), INSTALLED);
    expect(&alex(&place, &server), 0, &["lpips-alex is already installed"]);
    assert_eq!(server.heard().len(), 1);
    assert_eq!(server.heard()[0].path, "/towers/alex.pth");
    expect(&place.run(&["weights", "show", "lpips-alex"]), 0, &[SHA256]);
}

#[test]
fn weights_that_were_changed_in_the_store_are_fetched_anew() {
    let place = Place::new();
    let server = Server::new(|_, request| honest(request));
    expect(&alex(&place, &server), 0, &[]);
    let stored = place.home().join("weights/lpips-alex.safetensors");
    let mut bytes = fs::read(&stored).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&stored, bytes).unwrap();
    expect(&alex(&place, &server), 0, &["installed lpips-alex"]);
    assert_eq!(server.heard().len(), 2);
}

#[test]
fn a_cut_connection_is_continued_with_what_is_missing() {
    let place = Place::new();
    let server = Server::new(|nth, request| match nth {
        0 => honest(request).cut_after(3000),
        1 => honest(request).cut_after(1000),
        _ => honest(request),
    });
    expect(
        &alex(&place, &server),
        0,
        &[
            "cut after 3.0 kB of 6.0 kB",
            "goes on after 4.0 kB",
            "installed lpips-alex",
        ],
    );
    let asked = ["bytes=3000-", "bytes=4000-"].map(|range| Some(range.to_owned()));
    assert_eq!(ranges(&server), [&[None], &asked[..]].concat());
    assert!(
        server.heard()[1..]
            .iter()
            .all(|request| request.if_range.as_deref() == Some(ONE))
    );
    assert_eq!(place.stored(), INSTALLED);
}

#[test]
fn a_server_that_knows_no_ranges_sends_all_of_it_again() {
    let place = Place::new();
    let server = Server::new(|nth, _| match nth {
        0 => Reply::whole(ALEX).cut_after(3000),
        _ => Reply::whole(ALEX),
    });
    expect(&alex(&place, &server), 0, &["installed lpips-alex"]);
    assert_eq!(ranges(&server), [None, Some("bytes=3000-".to_owned())]);
    assert_eq!(place.stored(), INSTALLED);
}

#[test]
fn a_file_that_changed_meanwhile_is_begun_anew() {
    // One server heeds If-Range and sends the new file at once; another sends the rest of the new one to what is there of
    // the old one.
    for heeds in [true, false] {
        let place = Place::new();
        let server = Server::new(move |nth, request| match nth {
            0 => Reply::whole(&[7; 6009]).with("ETag", "\"old\"").cut_after(3000),
            _ if heeds => Reply::whole(ALEX).with("ETag", ONE),
            _ => honest(request),
        });
        expect(&alex(&place, &server), 0, &["installed lpips-alex"]);
        let heard = server.heard();
        assert_eq!(heard[1].if_range.as_deref(), Some("\"old\""));
        assert_eq!(heard.last().unwrap().range.is_some(), heeds);
        assert_eq!(place.stored(), INSTALLED);
    }
}

#[test]
fn a_part_that_is_all_of_it_is_taken_as_it_is() {
    // Nobody said how long the file is: the server tells that nothing follows.
    let place = Place::new();
    fs::create_dir_all(part(&place).parent().unwrap()).unwrap();
    fs::write(part(&place), ALEX).unwrap();
    let server = Server::new(|_, _| Reply::status(416).with("Content-Range", "bytes */6009"));
    let note = format!(r#"{{"address": "{}/alex.pth"}}"#, server.address);
    fs::write(part(&place).with_extension("part.json"), note).unwrap();
    expect(&alex(&place, &server), 0, &["installed lpips-alex"]);
    assert_eq!(ranges(&server), [Some("bytes=6009-".to_owned())]);
    assert_eq!(place.stored(), INSTALLED);
}

#[test]
fn what_a_killed_process_left_is_taken_up_by_the_next() {
    for signal in [libc::SIGKILL, libc::SIGINT] {
        let place = Place::new();
        let server = Server::new(|nth, request| match nth {
            0 => honest(request).silent_after(3000),
            _ => honest(request),
        });
        let mut child = started(&place, &server);
        expect(&alex(&place, &server), 7, &["another process", "alex.pth.part"]);
        // SAFETY: no memory is touched, and the process is this test's own child, which nobody has waited for yet.
        assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read(part(&place)).unwrap(), ALEX[..3000]);

        expect(
            &fetch(
                &place,
                &["lpips-alex", "--from", &server.address, "--dry-run", "--format", "csv"],
            ),
            0,
            &["6009,3000,http://"],
        );
        expect(
            &alex(&place, &server),
            0,
            &["goes on after 3.0 kB", "installed lpips-alex"],
        );
        assert_eq!(ranges(&server), [None, Some("bytes=3000-".to_owned())]);
        assert_eq!(place.stored(), INSTALLED);
    }
}

/// A fetch that has received 3000 bytes and waits for more.
fn started(place: &Place, server: &Server) -> Child {
    let mut command = command(place, &["lpips-alex", "--from", &server.address]);
    // What a shell runs in the background ignores Ctrl-C, and so do its children.
    let heed = || {
        // SAFETY: a signal's default is set, which is allowed between fork and exec.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: as above.
    unsafe { command.pre_exec(heed) };
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    while fs::metadata(part(place)).map_or(0, |part| part.len()) < 3000 {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        thread::yield_now();
    }
    child
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let place = Place::new();
    let server = Server::new(|nth, request| match nth {
        0 => Reply::status(503),
        _ => honest(request),
    });
    expect(
        &alex(&place, &server),
        0,
        &["503", "tried again", "installed lpips-alex"],
    );
    assert_eq!(server.heard().len(), 2);
}

#[test]
fn another_file_than_the_published_one_leaves_nothing() {
    let place = Place::new();
    let mut other = ALEX.to_vec();
    other[5000] ^= 1;
    let server = Server::new(move |_, _| Reply::whole(&other));
    let output = alex(&place, &server);
    expect(
        &output,
        6,
        &[
            "not the published file",
            SHA256,
            OFFICIAL,
            "weights import lpips-alex alex.pth",
        ],
    );
    assert!(place.stored().is_empty());

    // Of DINOv2 no hash is published: what it is decides.
    let server = Server::new(|_, _| Reply::whole(b"<!DOCTYPE html><html>Please log in</html>"));
    for kind in ["lpips-alex", "dinov2-vitb14"] {
        expect(
            &fetch(&place, &[kind, "--from", &server.address]),
            6,
            &["is a web page"],
        );
        assert!(place.stored().is_empty());
    }
}

#[test]
fn what_is_not_there_is_not_asked_for_twice_and_what_came_before_stays() {
    let place = Place::new();
    let server = Server::new(|_, request| match request.path.as_str() {
        "/towers/alex.pth" => honest(request),
        _ => Reply::status(404),
    });
    let both = ["lpips-alex", "lpips-alex", "lpips-vgg", "--from", &server.address];
    let output = fetch(&place, &both);
    expect(
        &output,
        6,
        &[
            "installed lpips-alex",
            "/towers/vgg.pth answers 404",
            "weights import lpips-vgg vgg.pth",
        ],
    );
    assert_eq!(server.heard().len(), 2);
    assert_eq!(place.stored(), INSTALLED);
}

#[test]
fn without_a_network_one_message_says_what_to_do() {
    let place = Place::new();
    let output = fetch(&place, &["lpips-alex", "--from", &nobody()]);
    let words = [
        "cannot reach http://127.0.0.1:",
        "/alex.pth: Connection refused",
        OFFICIAL,
        SHA256,
        "`perceive-ir weights import lpips-alex alex.pth`",
    ];
    expect(&output, 6, &words);
    assert_eq!(said(&output).matches("error: ").count(), 1, "{}", said(&output));
    assert!(place.stored().is_empty());
}

#[test]
fn names_are_checked_before_anything_is_fetched() {
    let place = Place::new();
    let server = Server::new(|_, request| honest(request));
    let from = |name| fetch(&place, &["lpips-alex", name, "--from", &server.address]);
    expect(&from("lpips-vg"), 4, &["did you mean 'lpips-vgg'?"]);
    expect(
        &from("promptir"),
        6,
        &["https://github.com/", "weights import promptir FILE"],
    );
    expect(&fetch(&place, &[]), 2, &["NAME"]);
    expect(&fetch(&place, &["vgg16", "--all"]), 2, &["--all"]);
    expect(&fetch(&place, &["vgg16", "--from", "mirror"]), 2, &["https://"]);
    assert!(server.heard().is_empty() && place.stored().is_empty());
}

#[test]
fn a_dry_run_tells_what_is_missing_how_much_and_where_from_and_touches_nothing() {
    let place = Place::new();
    let output = fetch(&place, &["--all", "--dry-run", "--format", "csv"]);
    let listed = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(listed.lines().count(), 7, "{listed}");
    let words = [
        "lpips-alex,LPIPS (AlexNet),6009,0,https://",
        "clip-vit-b32",
        "353976522,0,",
    ];
    expect(&output, 0, &words);
    expect(&output, 0, &["would fetch 6 files, 1.5 GB (--dry-run)"]);
    assert!(!place.home().exists());
}
