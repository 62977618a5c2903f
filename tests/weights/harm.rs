//! Files that are no weights, or were made to do harm: each is refused with exit code 6 and one message that says what it
//! is, at once and in little memory; nothing in it is run, and nothing of it is left.

use std::fs;
use std::path::PathBuf;

use super::{Place, expect};

/// `torch.save`'s old format around a pickle of one's own, with no storages.
fn legacy(pickle: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    let version = b"\x80\x02M\xe9\x03.".to_vec();
    let machine = b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.".to_vec();
    [magic, version, machine, pickle.to_vec(), b"\x80\x02].".to_vec()].concat()
}

fn repeated(begin: &[u8], part: &[u8], count: usize, end: &[u8]) -> Vec<u8> {
    [begin, &part.repeat(count), end].concat()
}

/// Dictionaries of which each holds the last one twice: 2^200 paths.
fn bomb() -> Vec<u8> {
    let mut pickle = b"\x80\x02}q\x00".to_vec();
    for slot in 0..200_u8 {
        pickle.extend([
            b'}',
            b'q',
            slot + 1,
            b'(',
            b'U',
            1,
            b'a',
            b'h',
            slot,
            b'U',
            1,
            b'b',
            b'h',
            slot,
            b'u',
        ]);
    }
    pickle.push(b'.');
    pickle
}

#[test]
fn harmful_files_are_refused_by_what_they_are() {
    let place = Place::new();
    let proof = place.folder.path().join("proof");
    let command = format!("touch {}", proof.display());
    let mut system = b"\x80\x02cposix\nsystem\nU".to_vec();
    system.push(command.len() as u8);
    system.extend(command.bytes());
    system.extend(b"\x85R.");
    let tensor = |shape: &[u8]| {
        let mut pickle =
            b"\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\n".to_vec();
        pickle.extend(b"U\x010U\x03cpuK\x00tQK\x00(");
        pickle.extend([shape, b"t(", &b"K\x00".repeat(shape.len() / 5), b"t\x89NtRs."].concat());
        pickle
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.pth", Vec::new(), "is empty"),
        (
            "photo.pth",
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 and so on".to_vec(),
            "is a picture",
        ),
        ("page.pth", b"<!DOCTYPE html><html><body>404".to_vec(), "is a web page"),
        (
            "pointer.pth",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "Git LFS",
        ),
        ("packed.pth", b"\x1f\x8b\x08 gzip and more".to_vec(), "is compressed"),
        (
            "plain.pkl",
            b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}.".to_vec(),
            "Python pickle",
        ),
        (
            "zip.pth",
            stored_zip("readme.txt", b"no checkpoint"),
            "without data.pkl",
        ),
        ("system.pth", legacy(&system), "posix.system"),
        ("zipped.pth", stored_zip("archive/data.pkl", &system), "posix.system"),
        (
            "class.pth",
            legacy(b"\x80\x02cmy_models\nRestormer\n)\x81."),
            "my_models.Restormer",
        ),
        ("instance.pth", legacy(b"(ios\nsystem\n."), "0x69"),
        (
            "deep.pth",
            legacy(&repeated(b"\x80\x02", b"]", 900_000, b".")),
            "no tensors",
        ),
        (
            "nested.pth",
            legacy(&repeated(b"\x80\x02", b"}U\x01a", 400_000, b".")),
            "",
        ),
        (
            "endless.pth",
            legacy(&repeated(b"\x80\x02", b"N", 3_000_000, b".")),
            "instructions",
        ),
        (
            "length.pth",
            legacy(b"\x80\x02X\xff\xff\xff\xffa"),
            "cut off or damaged",
        ),
        ("bomb.pth", legacy(&bomb()), "without end"),
        (
            "huge.pth",
            legacy(&tensor(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f")),
            "larger than the whole file",
        ),
        (
            "large.pth",
            legacy(&tensor(b"J\x00\x00\x00\x10")),
            "larger than the whole file",
        ),
        (
            "header.safetensors",
            b"\xff\xff\xff\xff\xff\xff\xff\x7f{\"a\":1}".to_vec(),
            "not a whole safetensors",
        ),
    ];
    for (name, bytes, words) in cases {
        let path = place.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        expect(&place.import("nafnet", &path, Some("harm")), 6, &[name, words]);
    }
    assert!(!proof.exists());
    assert!(place.stored().is_empty());
}

#[test]
fn a_picture_of_many_gigabytes_is_not_read() {
    let place = Place::new();
    let path: PathBuf = place.folder.path().join("sparse.pth");
    let file = fs::File::create(&path).unwrap();
    // Holes take no space on the disk.
    if file.set_len(20 << 30).is_err() {
        return;
    }
    drop(file);
    let error = perceive_model::weights::Checkpoint::read(&path)
        .unwrap_err()
        .to_string();
    assert!(error.contains("sparse.pth"), "{error}");
    let mut begin = fs::File::options().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut begin, b"PK\x03\x04").unwrap();
    let error = perceive_model::weights::Checkpoint::read(&path)
        .unwrap_err()
        .to_string();
    assert!(error.contains("21 GB"), "{error}");
}

/// A zip archive of one uncompressed entry.
fn stored_zip(name: &str, contents: &[u8]) -> Vec<u8> {
    let size = (contents.len() as u32).to_le_bytes();
    let length = (name.len() as u16).to_le_bytes();
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([0; 14]);
    bytes.extend([size, size].concat());
    bytes.extend([length, [0, 0]].concat());
    bytes.extend(name.bytes());
    bytes.extend(contents);
    let begin = bytes.len() as u32;
    bytes.extend(b"PK\x01\x02");
    bytes.extend([0; 16]);
    bytes.extend([size, size].concat());
    bytes.extend(length);
    bytes.extend([0; 16]);
    bytes.extend(name.bytes());
    let central = bytes.len() as u32 - begin;
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0; 4]);
    bytes.extend([[1, 0], [1, 0]].concat());
    bytes.extend(central.to_le_bytes());
    bytes.extend(begin.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}
