//! Small file systems in a home's place: full when one likes, or read-only.

use std::path::PathBuf;
use std::process::Command;

/// A file system of its own in the home's place, as small as one likes.
pub struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// `None` where mounting is not permitted.
    pub fn at(place: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&place)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self { place })
    }

    pub fn make_read_only(&self) {
        let changed = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(&self.place)
            .status();
        assert!(changed.unwrap().success());
    }

    pub fn grow(&self, size: &str) {
        let grown = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.place)
            .status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}
