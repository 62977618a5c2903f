//! The scan of a dataset as large as any here: 2,061 clear and 72,135 hazy JPEGs under the names of RESIDE's OTS, small ones,
//! since a scan reads headers only.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::program::{Cost, median, run};

/// Clear pictures; each has a hazy one under every light and scattering.
const CLEAR: usize = 2061;
const LIGHTS: [&str; 5] = ["0.8", "0.85", "0.9", "0.95", "1"];
const SCATTERINGS: [&str; 7] = ["0.04", "0.06", "0.08", "0.1", "0.12", "0.16", "0.2"];

pub fn measure(times: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (tree, home) = (folder.path().join("OTS"), folder.path().join("home"));
    plant(&tree)?;
    let tree = tree.display().to_string();
    println!("first: {}", words(run(&home, &["data", "add", &tree])?));
    println!(
        "again (at most 3 s): {}",
        words(median(times, || run(&home, &["data", "add", &tree]))?)
    );
    Ok(())
}

fn plant(tree: &Path) -> Result<(), Box<dyn Error>> {
    let (clear, hazy) = (tree.join("clear"), tree.join("haze"));
    fs::create_dir_all(&clear)?;
    fs::create_dir_all(&hazy)?;
    let sample = tree.join("sample.jpg");
    image::RgbImage::from_fn(48, 32, |x, y| image::Rgb([(5 * x) as u8, (7 * y) as u8, 99])).save(&sample)?;
    let jpeg = fs::read(&sample)?;
    fs::remove_file(sample)?;
    for number in 1..=CLEAR {
        fs::write(clear.join(format!("{number:04}.jpg")), &jpeg)?;
        for light in LIGHTS {
            for scattering in SCATTERINGS {
                fs::write(hazy.join(format!("{number:04}_{light}_{scattering}.jpg")), &jpeg)?;
            }
        }
    }
    Ok(())
}

fn words(cost: Cost) -> String {
    let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
    let memory = cost.memory / 1_000_000;
    format!("{wall:.2} s ({cpu:.2} s of processor), {memory} MB of memory")
}
