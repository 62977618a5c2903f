//! The folders below the given paths, with the names of the pictures in each: all that a layout sees of the disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::names::{Kind, kind};

/// Index of a folder in its tree.
pub type FolderId = usize;

/// A picture of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId {
    pub folder: FolderId,
    pub file: usize,
}

/// A folder that holds a picture, at any depth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    pub path: PathBuf,
    /// Its own name in lower case; empty for the folder above a given path, whose name is nobody's evidence.
    pub name: String,
    pub parent: Option<FolderId>,
    pub children: Vec<FolderId>,
    /// Names of the pictures directly in it, ascending.
    pub pictures: Vec<String>,
    /// Names of pictures in formats that are not read, ascending.
    pub foreign: Vec<String>,
}

/// Folders in ascending order of their paths, so that nothing depends on the order in which a disk lists them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    pub folders: Vec<Folder>,
    /// The folders above the given paths, one for each distinct parent: given folders side by side are siblings.
    pub tops: Vec<FolderId>,
}

impl Tree {
    /// The tree of these files, each below one of the given folders. What is no picture is left out.
    pub fn new(given: &[PathBuf], files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut holding: HashMap<PathBuf, (Vec<String>, Vec<String>)> = HashMap::new();
        for path in files {
            let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
                continue;
            };
            let kind = kind(name);
            if kind == Kind::Other {
                continue;
            }
            if !holding.contains_key(folder) {
                holding.insert(folder.to_path_buf(), (Vec::new(), Vec::new()));
            }
            if let Some((pictures, foreign)) = holding.get_mut(folder) {
                if kind == Kind::Picture { pictures } else { foreign }.push(name.to_owned());
            }
        }
        let mut tree = Self::of_folders(given, holding.keys());
        for folder in &mut tree.folders {
            if let Some((pictures, foreign)) = holding.remove(&folder.path)
                && !(folder.name.is_empty() && folder.parent.is_none())
            {
                folder.pictures = pictures;
                folder.foreign = foreign;
                folder.pictures.sort();
                folder.foreign.sort();
            }
        }
        tree
    }

    /// The empty folders of the tree: those that hold files, those between them and a given one, and the one above it.
    fn of_folders<'a>(given: &[PathBuf], holding: impl Iterator<Item = &'a PathBuf>) -> Self {
        let mut names: HashMap<PathBuf, String> = HashMap::new();
        for folder in holding {
            let Some(root) = given.iter().find(|root| folder.starts_with(root)) else {
                continue;
            };
            for path in folder.ancestors().take_while(|path| path.starts_with(root)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                names.insert(path.to_path_buf(), name);
            }
        }
        for root in given.iter().filter_map(|root| root.parent()) {
            names.entry(root.to_path_buf()).or_default();
        }
        let mut paths: Vec<(PathBuf, String)> = names.into_iter().collect();
        paths.sort();
        let ids: HashMap<PathBuf, FolderId> = paths
            .iter()
            .enumerate()
            .map(|(id, (path, _))| (path.clone(), id))
            .collect();
        let mut tree = Self::default();
        for (path, name) in paths {
            let parent = (!name.is_empty())
                .then(|| path.parent().and_then(|above| ids.get(above)).copied())
                .flatten();
            tree.folders.push(Folder {
                path,
                name,
                parent,
                children: Vec::new(),
                pictures: Vec::new(),
                foreign: Vec::new(),
            });
        }
        for id in 0..tree.folders.len() {
            match tree.folders[id].parent {
                Some(parent) => tree.folders[parent].children.push(id),
                None => tree.tops.push(id),
            }
        }
        tree
    }

    pub fn folder(&self, id: FolderId) -> &Folder {
        &self.folders[id]
    }

    pub fn ids(&self) -> std::ops::Range<FolderId> {
        0..self.folders.len()
    }

    /// The first child whose name is one of these words, in the order of the words.
    pub fn child(&self, folder: FolderId, words: &[&str]) -> Option<FolderId> {
        let children = &self.folders[folder].children;
        words.iter().find_map(|word| {
            children
                .iter()
                .copied()
                .find(|child| self.folders[*child].name == *word)
        })
    }

    /// The pictures directly in a folder: id and name.
    pub fn pictures(&self, folder: FolderId) -> impl Iterator<Item = (FileId, &str)> {
        let names = self.folders[folder].pictures.iter().enumerate();
        names.map(move |(file, name)| (FileId { folder, file }, name.as_str()))
    }

    /// A folder and everything below it.
    pub fn below(&self, folder: FolderId) -> Vec<FolderId> {
        let mut out = vec![folder];
        let mut next = 0;
        while next < out.len() {
            out.extend(&self.folders[out[next]].children);
            next += 1;
        }
        out
    }

    pub fn name(&self, file: FileId) -> &str {
        &self.folders[file.folder].pictures[file.file]
    }

    pub fn path(&self, file: FileId) -> PathBuf {
        self.folders[file.folder].path.join(self.name(file))
    }

    /// The number of pictures in the whole tree.
    pub fn count(&self) -> usize {
        self.folders.iter().map(|folder| folder.pictures.len()).sum()
    }

    /// The deepest folder that holds all of these.
    pub fn common(&self, folders: impl IntoIterator<Item = FolderId>) -> Option<&Path> {
        let mut folders = folders.into_iter();
        let mut common = self.folders[folders.next()?].path.as_path();
        for folder in folders {
            while !self.folders[folder].path.starts_with(common) {
                common = common.parent()?;
            }
        }
        Some(common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(given: &[&str], files: &[&str]) -> Tree {
        let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
        Tree::new(&given, files.iter().map(PathBuf::from))
    }

    #[test]
    fn the_folder_above_a_given_path_has_no_name_and_no_pictures() {
        let tree = tree(
            &["/rainy/x"],
            &["/rainy/x/gt/B.PNG", "/rainy/x/gt/a.png", "/rainy/x/notes.txt"],
        );
        assert_eq!(tree.folders.len(), 3);
        assert_eq!(tree.tops, [0]);
        assert_eq!(tree.folder(0).name, "");
        assert_eq!(tree.folder(2).name, "gt");
        assert_eq!(tree.folder(2).pictures, ["B.PNG", "a.png"]);
        assert_eq!(tree.count(), 2);
    }

    #[test]
    fn folders_given_side_by_side_are_siblings() {
        let tree = tree(&["/d/hazy", "/d/gt"], &["/d/hazy/1_1.png", "/d/gt/1.png"]);
        assert_eq!(tree.tops.len(), 1);
        assert_eq!(tree.folder(tree.tops[0]).children.len(), 2);
        assert!(tree.child(tree.tops[0], &["clear", "gt"]).is_some());
    }

    #[test]
    fn the_common_folder_is_the_deepest_that_holds_all() {
        let tree = tree(&["/d"], &["/d/a/b/1.png", "/d/a/c/1.png"]);
        assert_eq!(tree.common([3, 4]), Some(Path::new("/d/a")));
        assert_eq!(tree.common([4]), Some(Path::new("/d/a/c")));
    }
}
