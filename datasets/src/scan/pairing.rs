//! From a claim to pairs: strictly by key, in one pass, and every picture that finds no partner is named.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::PathBuf;

use super::headers::Headers;
use super::recognise::Claimed;
use super::report::{Found, Known, PairFile, PictureFile, Problem};
use crate::catalogue;
use crate::layout::custom;
use crate::layout::names::is_jpeg;
use crate::layout::{FolderId, Member, Role, Tree};

/// One entry for each split of a claim.
pub fn found(tree: &Tree, claimed: Claimed, headers: &Headers) -> Vec<Found> {
    let Claimed { dataset, layout, claim } = claimed;
    let entry = catalogue::find(&dataset);
    let mut splits: BTreeMap<&'static str, Vec<Member>> = BTreeMap::new();
    let lossy = layout.map_or_else(Vec::new, |_| lossy_among_lossless(tree, &claim.members));
    let mut strays: Vec<Problem> = Vec::new();
    for mut member in claim.members {
        if lossy.contains(&member.file.folder) && is_jpeg(tree.name(member.file)) {
            strays.push(Problem::Stray {
                path: tree.path(member.file),
                reason: "a JPEG among lossless pictures: not the dataset's own file".to_owned(),
            });
            continue;
        }
        if let (Some(by_size), Some(Ok(known))) = (
            layout.and_then(|layout| layout.split_by_size),
            headers.get(&member.file),
        ) {
            member.split = by_size(member.split, known.width, known.height);
        }
        splits.entry(member.split).or_default().push(member);
    }
    let decoys = claim.decoys.into_iter().map(|decoy| Problem::Decoy {
        pictures: decoy.files.len(),
        path: decoy.path,
        reason: decoy.reason.to_owned(),
    });
    strays.extend(decoys);
    if splits.is_empty() {
        let first = entry.and_then(|entry| entry.splits.first());
        splits.insert(first.map_or("train", |split| split.name), Vec::new());
    }
    let mut out = Vec::new();
    for (split, members) in splits {
        let folders = members.iter().map(|member| member.file.folder);
        let root = tree.common(folders).map(PathBuf::from);
        let pairing = Pairing::new(tree, headers, layout.map_or(0, |layout| layout.border), members);
        let mut problems = pairing.problems;
        problems.append(&mut strays);
        problems.sort();
        let decoy = problems.iter().find_map(|problem| match problem {
            Problem::Decoy { path, .. } | Problem::Stray { path, .. } => path.parent().map(PathBuf::from),
            _ => None,
        });
        out.push(Found {
            dataset: dataset.clone(),
            layout: layout.map_or(custom::ID, |layout| layout.id).to_owned(),
            root: root.or(decoy).unwrap_or_default(),
            split: split.to_owned(),
            pictures: pairing.pictures,
            pairs: pairing.pairs,
            official: entry.and_then(|entry| entry.split(split)).map(|split| split.official),
            problems,
            repeats: Vec::new(),
        });
    }
    out
}

/// Folders where JPEGs are the exception.
fn lossy_among_lossless(tree: &Tree, members: &[Member]) -> Vec<FolderId> {
    let mut counts: HashMap<FolderId, (usize, usize)> = HashMap::new();
    for member in members {
        let count = counts.entry(member.file.folder).or_default();
        if is_jpeg(tree.name(member.file)) {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
    }
    let exceptions = counts
        .into_iter()
        .filter(|(_, (lossy, lossless))| *lossy > 0 && lossless > lossy);
    exceptions.map(|(folder, _)| folder).collect()
}

#[derive(Default)]
struct Pairing {
    pictures: Vec<PictureFile>,
    pairs: Vec<PairFile>,
    problems: Vec<Problem>,
}

/// The pictures under one key.
#[derive(Default)]
struct Group {
    clean: Vec<Member>,
    degraded: Vec<Member>,
}

impl Pairing {
    fn new(tree: &Tree, headers: &Headers, border: u32, mut members: Vec<Member>) -> Self {
        members.sort_by_key(|member| member.file);
        let mut pairing = Self::default();
        let mut groups: HashMap<String, Group> = HashMap::with_capacity(members.len());
        for member in members {
            pairing.note(tree, headers, &member);
            let group = groups.entry(member.key.clone()).or_default();
            match member.role {
                Role::Clean => group.clean.push(member),
                Role::Degraded => group.degraded.push(member),
            }
        }
        for (key, group) in groups {
            pairing.join(tree, headers, border, &key, group);
        }
        pairing.drop_repeated_names();
        pairing
    }

    /// Lists a picture, or says why it cannot be read.
    fn note(&mut self, tree: &Tree, headers: &Headers, member: &Member) {
        let path = tree.path(member.file);
        match headers.get(&member.file) {
            Some(Ok(known)) => self.pictures.push(PictureFile {
                path,
                role: member.role,
                size: known.size,
                mtime_ns: known.mtime_ns,
                width: known.width,
                height: known.height,
            }),
            Some(Err(reason)) => self.problems.push(Problem::Unreadable {
                path,
                reason: reason.clone(),
            }),
            None => {}
        }
    }

    fn join(&mut self, tree: &Tree, headers: &Headers, border: u32, key: &str, group: Group) {
        let known = |member: &Member| headers.get(&member.file).and_then(|header| header.as_ref().ok());
        let path = |member: &Member| tree.path(member.file);
        let Group { clean, degraded } = group;
        if let Some(first) = clean.first().filter(|first| first.alone) {
            if clean.len() > 1 {
                self.problems.push(Problem::Duplicate {
                    name: first.name.clone(),
                    kept: Some(path(first)),
                    dropped: clean[1..].iter().map(path).collect(),
                });
            }
            if known(first).is_some() {
                self.pairs.push(PairFile {
                    name: first.name.clone(),
                    clean: path(first),
                    degraded: None,
                    border: 0,
                });
            }
            return;
        }
        if clean.len() > 1 {
            self.problems.push(Problem::Duplicate {
                name: key.to_owned(),
                kept: None,
                dropped: clean.iter().chain(&degraded).map(path).collect(),
            });
            return;
        }
        let widow = |member: &Member, missing| Problem::Widow {
            path: path(member),
            missing,
            key: key.to_owned(),
        };
        let Some(clean) = clean.first() else {
            let lonely = degraded.iter().filter(|member| !member.alone);
            self.problems.extend(lonely.map(|member| widow(member, Role::Clean)));
            return;
        };
        if degraded.is_empty() {
            self.problems.push(widow(clean, Role::Degraded));
        }
        for member in &degraded {
            let (Some(clean_header), Some(header)) = (known(clean), known(member)) else {
                continue;
            };
            match fit(clean_header, header, border) {
                Some(border) => self.pairs.push(PairFile {
                    name: member.name.clone(),
                    clean: path(clean),
                    degraded: Some(path(member)),
                    border,
                }),
                None => self.problems.push(Problem::OddSize {
                    name: member.name.clone(),
                    clean: path(clean),
                    clean_size: (clean_header.width, clean_header.height),
                    degraded: path(member),
                    degraded_size: (header.width, header.height),
                }),
            }
        }
    }

    /// Two degraded pictures of one name (the same file in two parts, `1.png` beside `1.jpg`): the first stays.
    fn drop_repeated_names(&mut self) {
        self.pairs
            .sort_by(|a, b| (&a.name, &a.degraded, &a.clean).cmp(&(&b.name, &b.degraded, &b.clean)));
        let mut kept: Vec<PairFile> = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.drain(..) {
            match kept.last() {
                Some(first) if first.name == pair.name => {
                    let of = |pair: &PairFile| pair.degraded.clone().unwrap_or_else(|| pair.clean.clone());
                    self.problems.push(Problem::Duplicate {
                        name: pair.name.clone(),
                        kept: Some(of(first)),
                        dropped: vec![of(&pair)],
                    });
                }
                _ => kept.push(pair),
            }
        }
        self.pairs = kept;
    }
}

/// The border to cut from the clean picture so that a pair fits, if it does.
fn fit(clean: &Known, degraded: &Known, border: u32) -> Option<u32> {
    let less = |by: u32| (clean.width.checked_sub(2 * by), clean.height.checked_sub(2 * by));
    [0, border]
        .into_iter()
        .find(|by| less(*by) == (Some(degraded.width), Some(degraded.height)))
}
