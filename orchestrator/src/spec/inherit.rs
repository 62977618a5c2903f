//! `extends`: which experiments an experiment stands on, in the order in which they are laid over one another.

use super::fault::Fault;
use super::files::{Book, Declared, Layer};
use super::tree::Origin;

impl Book {
    /// The experiment of this name.
    pub fn named(&self, name: &str) -> Option<&Declared> {
        self.experiments.iter().find(|declared| declared.name == name)
    }

    /// All that `declared` extends and itself, lowest first, each once: what several extend lies under all of them.
    pub fn line<'a>(&'a self, declared: &'a Declared) -> Result<Vec<&'a Declared>, Fault> {
        let mut line = Vec::new();
        self.descend(declared, &mut Vec::new(), &mut line)?;
        Ok(line)
    }

    /// What the experiments of a line lay over one another, lowest first: the bases of their files, each once, then their
    /// own settings.
    pub fn layers<'a>(&'a self, line: &[&'a Declared]) -> Vec<&'a Layer> {
        let mut files: Vec<usize> = Vec::new();
        for declared in line {
            if !files.contains(&declared.file) {
                files.push(declared.file);
            }
        }
        let bases = files.iter().filter_map(|file| self.bases[*file].as_ref());
        bases.chain(line.iter().map(|declared| &declared.layer)).collect()
    }

    fn descend<'a>(
        &'a self,
        declared: &'a Declared,
        path: &mut Vec<&'a str>,
        line: &mut Vec<&'a Declared>,
    ) -> Result<(), Fault> {
        if line.iter().any(|known| known.name == declared.name) {
            return Ok(());
        }
        path.push(&declared.name);
        for (name, at) in &declared.extends {
            if let Some(start) = path.iter().position(|known| known == name) {
                let circle: Vec<&str> = path[start..].iter().copied().chain([name.as_str()]).collect();
                let text = format!("an experiment cannot extend itself: {}", circle.join(" extends "));
                return Err(Fault::new(text).at(*at));
            }
            let parent = self.named(name).ok_or_else(|| self.unknown_parent(name, *at))?;
            self.descend(parent, path, line)?;
        }
        path.pop();
        line.push(declared);
        Ok(())
    }

    fn unknown_parent(&self, name: &str, at: Origin) -> Fault {
        let names = self.experiments.iter().map(|declared| declared.name.as_str());
        Fault::new(format!("no experiment {name:?} to extend"))
            .naming(name, names)
            .at(at)
    }
}
