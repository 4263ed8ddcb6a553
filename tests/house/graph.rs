//! Which source file uses which: the paths of a crate's code, resolved to the files that define
//! the names.
//!
//! A path is followed through modules, imports and `pub use`; the modules on its way do not count,
//! only the file where the name is defined. A declaration (`mod name;`) is not a use.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree};

use crate::uses::{self, Attributes};

/// Source files: path below `src` → text.
pub(crate) type Sources = BTreeMap<String, String>;

/// Whether code under `#[cfg(test)]` is read too.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Code {
    Production,
    WithTests,
}

/// What the files of a crate use.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Every file that the crate's `mod` declarations reach.
    pub(crate) files: BTreeSet<String>,
    /// (using file, defining file) → the names used.
    pub(crate) edges: BTreeMap<(String, String), BTreeSet<String>>,
    /// File → the whole paths that it uses of other crates.
    pub(crate) foreign: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads a crate from its roots, `lib.rs` and `main.rs`.
    pub(crate) fn read(sources: &Sources, code: Code) -> Self {
        let mut reader = Reader {
            sources,
            code,
            modules: Vec::new(),
        };
        let library = reader.read_root("lib.rs");
        let program = reader.read_root("main.rs");
        if let (Some(library), Some(program)) = (library, program) {
            let name = "skillctl".to_owned();
            let names = &mut reader.modules[program].names;
            names.entry(name).or_default().push(Name::Module(library));
        }
        reader.graph()
    }

    /// The part of it below a folder, by the paths from there.
    pub(crate) fn below(&self, folder: &str) -> Self {
        let stripped = |file: &String| file.strip_prefix(folder).map(str::to_owned);
        Self {
            files: self.files.iter().filter_map(stripped).collect(),
            edges: self
                .edges
                .iter()
                .filter_map(|((from, to), names)| {
                    Some(((stripped(from)?, stripped(to)?), names.clone()))
                })
                .collect(),
            foreign: BTreeMap::new(),
        }
    }

    /// The circles: sets of files that all reach each other. Each is sorted.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in self.edges.keys() {
            next.entry(from).or_default().push(to);
        }
        let reached: BTreeMap<&str, BTreeSet<&str>> = next
            .keys()
            .map(|file| (*file, reachable(file, &next)))
            .collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (file, others) in &reached {
            if !others.contains(file) || circles.iter().any(|circle| circle.contains(file)) {
                continue;
            }
            let comes_back = |other: &&&str| {
                reached
                    .get(**other)
                    .is_some_and(|files| files.contains(file))
            };
            circles.push(others.iter().filter(comes_back).copied().collect());
        }
        circles
    }

    /// A circle's ties, a line each: `from -> to: names`.
    pub(crate) fn ties(&self, circle: &[&str]) -> String {
        let mut lines = Vec::new();
        for ((from, to), names) in &self.edges {
            if circle.contains(&from.as_str()) && circle.contains(&to.as_str()) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                lines.push(format!("  {from} -> {to}: {}", names.join(", ")));
            }
        }
        lines.join("\n")
    }
}

fn reachable<'a>(start: &str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = next.get(start).cloned().unwrap_or_default();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    found
}

/// A module, inline or a file of its own.
struct Module {
    file: String,
    parent: Option<usize>,
    root: usize,
    names: BTreeMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
    used: BTreeSet<Vec<String>>,
}

/// What a name in a module is.
enum Name {
    Module(usize),
    Type,
    /// A function, constant or macro: nothing is named inside of it.
    Value,
    Import(Vec<String>),
}

/// What a path refers to.
enum Target {
    /// A name defined in a file of this crate.
    Item { file: String, name: String },
    /// A path of another crate.
    Foreign(Vec<String>),
}

struct Reader<'a> {
    sources: &'a Sources,
    code: Code,
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn read_root(&mut self, file: &str) -> Option<usize> {
        let text = self.sources.get(file)?;
        Some(self.read_file(file, text, "", None))
    }

    /// `folder` is where the module's own `mod name;` are looked for.
    fn read_file(&mut self, file: &str, text: &str, folder: &str, parent: Option<usize>) -> usize {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.read_module(file, &syntax.items, folder, parent)
    }

    fn read_module(
        &mut self,
        file: &str,
        items: &[Item],
        folder: &str,
        parent: Option<usize>,
    ) -> usize {
        let id = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            root: parent.map_or(id, |parent| self.modules[parent].root),
            names: BTreeMap::new(),
            globs: Vec::new(),
            used: BTreeSet::new(),
        });
        for item in items {
            if self.code == Code::Production && item.is_for_tests() {
                continue;
            }
            if let Item::Mod(module) = item {
                let name = module.ident.to_string();
                let child = self.read_child(file, module, folder, id);
                self.define(id, name, Name::Module(child));
                continue;
            }
            if let Some(name) = uses::type_name(item) {
                self.define(id, name, Name::Type);
            } else if let Some(name) = uses::value_name(item) {
                self.define(id, name, Name::Value);
            }
            let found = uses::paths(item, self.code == Code::WithTests);
            self.modules[id].used.extend(found.paths);
            for tree in &found.imports {
                self.import(id, tree, &mut Vec::new());
            }
        }
        id
    }

    fn read_child(
        &mut self,
        file: &str,
        module: &syn::ItemMod,
        folder: &str,
        parent: usize,
    ) -> usize {
        let own = format!("{folder}{}", module.ident);
        let below = format!("{own}/");
        if let Some((_, items)) = &module.content {
            return self.read_module(file, items, &below, Some(parent));
        }
        for path in [format!("{own}.rs"), format!("{own}/mod.rs")] {
            if let Some(text) = self.sources.get(&path) {
                return self.read_file(&path, text, &below, Some(parent));
            }
        }
        panic!("{file}: no file for `mod {}`", module.ident);
    }

    fn define(&mut self, module: usize, name: String, what: Name) {
        let names = &mut self.modules[module].names;
        names.entry(name).or_default().push(what);
    }

    fn import(&mut self, module: usize, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(module, &path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(module, tree, before);
                }
            }
            UseTree::Glob(_) => self.modules[module].globs.push(before.clone()),
            UseTree::Name(name) => {
                let mut path = before.clone();
                if name.ident != "self" {
                    path.push(name.ident.to_string());
                }
                let own = path.last().cloned().unwrap_or_default();
                self.modules[module].used.insert(path.clone());
                self.define(module, own, Name::Import(path));
            }
            UseTree::Rename(rename) => {
                let mut path = before.clone();
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                self.modules[module].used.insert(path.clone());
                self.define(module, rename.rename.to_string(), Name::Import(path));
            }
        }
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (id, module) in self.modules.iter().enumerate() {
            graph.files.insert(module.file.clone());
            for path in module.used.iter().chain(&module.globs) {
                let mut targets = Vec::new();
                self.resolve(id, path, &mut Vec::new(), &mut targets);
                for target in targets {
                    match target {
                        Target::Item { file, name } if file != module.file => {
                            let edge = (module.file.clone(), file);
                            graph.edges.entry(edge).or_default().insert(name);
                        }
                        Target::Item { .. } => {}
                        // A word alone is a variable, or comes from the prelude.
                        Target::Foreign(path) if path.len() == 1 => {}
                        Target::Foreign(path) => {
                            let paths = graph.foreign.entry(module.file.clone()).or_default();
                            paths.insert(path.join("::"));
                        }
                    }
                }
            }
        }
        graph
    }

    /// What a path means in a module. `trail` holds the paths in progress: an import may name
    /// itself.
    fn resolve(
        &self,
        module: usize,
        path: &[String],
        trail: &mut Vec<(usize, Vec<String>)>,
        found: &mut Vec<Target>,
    ) {
        let Some(first) = path.first() else { return };
        match first.as_str() {
            "" => found.push(Target::Foreign(path[1..].to_vec())),
            "crate" => self.descend(self.modules[module].root, &path[1..], trail, found),
            "self" => self.descend(module, &path[1..], trail, found),
            "super" => {
                if let Some(parent) = self.modules[module].parent {
                    match path.get(1).map(String::as_str) {
                        Some("super") => self.resolve(parent, &path[1..], trail, found),
                        _ => self.descend(parent, &path[1..], trail, found),
                    }
                }
            }
            _ => {
                let before = found.len();
                self.descend(module, path, trail, found);
                // An import that names itself: `use serde::Serialize` in search of `serde`.
                let names_itself = trail
                    .iter()
                    .any(|(at, other)| *at == module && other == path);
                if found.len() == before && !names_itself && !self.is_known(module, first) {
                    found.push(Target::Foreign(path.to_vec()));
                }
            }
        }
    }

    fn is_known(&self, module: usize, name: &str) -> bool {
        let names = self.modules[module].names.get(name);
        names
            .into_iter()
            .flatten()
            .any(|name| matches!(name, Name::Module(_) | Name::Type | Name::Value))
    }

    /// What a path means that starts with a name of this module.
    fn descend(
        &self,
        module: usize,
        path: &[String],
        trail: &mut Vec<(usize, Vec<String>)>,
        found: &mut Vec<Target>,
    ) {
        let step = (module, path.to_vec());
        let Some(first) = path.first() else { return };
        if trail.contains(&step) {
            return;
        }
        trail.push(step);
        let rest = &path[1..];
        let here = &self.modules[module];
        let names = here.names.get(first);
        for name in names.into_iter().flatten() {
            match name {
                Name::Module(child) => self.descend(*child, rest, trail, found),
                Name::Value if !rest.is_empty() => {}
                Name::Type | Name::Value => found.push(Target::Item {
                    file: here.file.clone(),
                    name: first.clone(),
                }),
                Name::Import(import) => {
                    let whole = [import.as_slice(), rest].concat();
                    self.resolve(module, &whole, trail, found);
                }
            }
        }
        // A glob's own path is not looked for behind the module's globs.
        let globs = (module, vec!["*".to_owned()]);
        if names.is_none() && !trail.contains(&globs) {
            trail.push(globs);
            for glob in &here.globs {
                let whole = [glob.as_slice(), path].concat();
                self.resolve(module, &whole, trail, found);
            }
            trail.pop();
        }
        trail.pop();
    }
}
