//! What a layout says of a place in the tree: these pictures are mine, in these roles, under these keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::names::split_ending;
use super::tree::{FileId, FolderId, Tree};

/// What a picture is to its dataset.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Clean,
    Degraded,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Degraded => "degraded",
        }
    }
}

/// One picture of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub file: FileId,
    pub role: Role,
    pub split: &'static str,
    /// Degraded and clean pictures of one split with one key are partners.
    pub key: String,
    /// The pair's name if this is its degraded picture, or its only one.
    pub name: String,
    /// It needs no partner: noise is added to it, or its dataset has no references.
    pub alone: bool,
}

/// What a layout reads from a file name.
pub struct Reading {
    pub split: &'static str,
    pub key: String,
    pub name: String,
}

impl Reading {
    /// A picture whose pair has the name of its key.
    pub fn new(split: &'static str, key: impl Into<String>) -> Self {
        let key = key.into();
        Self {
            split,
            name: key.clone(),
            key,
        }
    }

    /// A picture that shares its partner with others, so that its pair has a name of its own.
    pub fn named(split: &'static str, key: &str, name: &str) -> Self {
        Self {
            split,
            key: key.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Pictures that look like the dataset's but must not be taken for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoy {
    pub path: PathBuf,
    pub files: Vec<FileId>,
    pub reason: &'static str,
}

/// Sure by the dataset's own names.
pub const SURE: u32 = 90;
/// Likely: general names in a folder that is called as the dataset.
pub const LIKELY: u32 = 70;
/// One side of a pair of folders alone.
pub const LONE: u32 = 40;

/// A place where a layout stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claim {
    /// How sure the layout is; where claims overlap, the surest stands.
    pub confidence: u32,
    pub members: Vec<Member>,
    pub decoys: Vec<Decoy>,
}

impl Claim {
    pub fn new(confidence: u32) -> Self {
        Self {
            confidence,
            ..Self::default()
        }
    }

    /// Takes the pictures of a folder that `read` can read (from the name without its ending), and says how many of how
    /// many those are.
    pub fn take(
        &mut self,
        tree: &Tree,
        folder: FolderId,
        role: Role,
        alone: bool,
        read: impl Fn(&str) -> Option<Reading>,
    ) -> Tally {
        let mut tally = Tally::default();
        for (file, name) in tree.pictures(folder) {
            tally.of += 1;
            if let Some(reading) = read(split_ending(name).0) {
                tally.fit += 1;
                self.members.push(Member {
                    file,
                    role,
                    split: reading.split,
                    key: reading.key,
                    name: reading.name,
                    alone,
                });
            }
        }
        tally
    }

    /// Names a folder, with all below it, as a decoy.
    pub fn shun(&mut self, tree: &Tree, folder: FolderId, reason: &'static str) {
        let files = tree
            .below(folder)
            .into_iter()
            .flat_map(|inner| tree.pictures(inner))
            .map(|(file, _)| file);
        let files: Vec<FileId> = files.collect();
        if !files.is_empty() {
            self.decoys.push(Decoy {
                path: tree.folder(folder).path.clone(),
                files,
                reason,
            });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.decoys.is_empty()
    }
}

/// How many pictures fit a pattern, of how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub fit: usize,
    pub of: usize,
}

impl Tally {
    /// At least half fit: the rest are strays among them, not they among others.
    pub fn is_most(self) -> bool {
        self.fit > 0 && self.fit * 2 >= self.of
    }

    pub fn add(&mut self, other: Self) {
        self.fit += other.fit;
        self.of += other.of;
    }
}

/// Two folders side by side, degraded and clean.
pub struct Sides<'a> {
    pub degraded: &'a [&'a str],
    pub clean: &'a [&'a str],
    /// Names of folders inside a side that belong to it (`part1`), beside the side itself.
    pub inside: &'a [&'a str],
    /// Whether one side alone is evidence enough: its names must be the dataset's own.
    pub lone: bool,
}

impl Sides<'_> {
    /// The claim on the two sides below `root`, if each that is there holds mostly pictures that can be read. Its
    /// confidence is `sure` with both sides, [`LONE`] with one.
    pub fn claim(
        &self,
        tree: &Tree,
        root: FolderId,
        sure: u32,
        degraded: impl Fn(&str) -> Option<Reading>,
        clean: impl Fn(&str) -> Option<Reading>,
    ) -> Option<Claim> {
        let mut claim = Claim::new(sure);
        let degraded = self.take(&mut claim, tree, root, Role::Degraded, &degraded);
        let clean = self.take(&mut claim, tree, root, Role::Clean, &clean);
        match (degraded, clean) {
            (false, false) => None,
            (true, true) => Some(claim),
            _ if self.lone => {
                claim.confidence = LONE;
                Some(claim)
            }
            _ => None,
        }
    }

    fn take(
        &self,
        claim: &mut Claim,
        tree: &Tree,
        root: FolderId,
        role: Role,
        read: &impl Fn(&str) -> Option<Reading>,
    ) -> bool {
        let words = if role == Role::Clean { self.clean } else { self.degraded };
        let before = claim.members.len();
        let mut tally = Tally::default();
        if let Some(side) = tree.child(root, words) {
            for folder in self.folders(tree, side) {
                tally.add(claim.take(tree, folder, role, false, read));
            }
        }
        if !tally.is_most() {
            claim.members.truncate(before);
        }
        tally.is_most()
    }

    /// A side and the folders in it that belong to it.
    pub fn folders(&self, tree: &Tree, side: FolderId) -> Vec<FolderId> {
        let mut out = vec![side];
        let mut next = 0;
        while next < out.len() {
            let children = &tree.folder(out[next]).children;
            out.extend(
                children
                    .iter()
                    .filter(|child| self.inside.contains(&tree.folder(**child).name.as_str())),
            );
            next += 1;
        }
        out
    }
}
