//! The paths that a piece of syntax uses: in types, expressions, patterns, attributes, and inside
//! of macro calls. Documentation is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{
    Attribute, Item, Meta, UseTree,
    visit::{self, Visit},
};

/// What an item uses.
#[derive(Default)]
pub(crate) struct Found {
    /// Paths as they are written; the first segment of `::name` is empty.
    pub(crate) paths: Vec<Vec<String>>,
    /// Every `use`, those inside of functions too.
    pub(crate) imports: Vec<UseTree>,
    with_tests: bool,
}

pub(crate) fn paths(item: &Item, with_tests: bool) -> Found {
    let mut found = Found {
        with_tests,
        ..Found::default()
    };
    found.visit_item(item);
    found
}

/// The type that an item defines in its module.
pub(crate) fn type_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Enum(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The function, constant or macro that an item defines in its module.
pub(crate) fn value_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Syntax that may carry `#[cfg(test)]`.
pub(crate) trait Attributes {
    fn attributes(&self) -> &[Attribute];

    /// Whether it is compiled for tests alone.
    fn is_for_tests(&self) -> bool {
        self.attributes().iter().any(|attribute| {
            attribute.path().is_ident("test")
                || matches!(&attribute.meta, Meta::List(list)
                    if list.path.is_ident("cfg") && needs_test(list.tokens.clone()))
        })
    }
}

/// Whether a condition of `cfg` never holds outside of tests.
fn needs_test(condition: TokenStream) -> bool {
    let tokens: Vec<_> = condition.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(group)] => {
            let mut parts = parts(group.stream()).into_iter();
            match name.to_string().as_str() {
                "all" => parts.any(needs_test),
                "any" => parts.all(needs_test),
                _ => false,
            }
        }
        _ => false,
    }
}

/// What is between commas.
fn parts(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => {
                parts.push(TokenStream::new());
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

impl Attributes for Item {
    fn attributes(&self) -> &[Attribute] {
        match self {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Union(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        }
    }
}

impl Attributes for syn::ImplItem {
    fn attributes(&self) -> &[Attribute] {
        match self {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            _ => &[],
        }
    }
}

impl Attributes for syn::Field {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Attributes for syn::FieldValue {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Attributes for syn::Variant {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Attributes for syn::Arm {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Attributes for syn::Local {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Attributes for syn::ExprBlock {
    fn attributes(&self) -> &[Attribute] {
        &self.attrs
    }
}

impl Found {
    fn reads(&self, syntax: &impl Attributes) -> bool {
        self.with_tests || !syntax.is_for_tests()
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast Item) {
        if self.reads(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        if self.reads(item) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if self.reads(field) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if self.reads(field) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if self.reads(variant) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if self.reads(arm) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if self.reads(local) {
            visit::visit_local(self, local);
        }
    }

    fn visit_expr_block(&mut self, block: &'ast syn::ExprBlock) {
        if self.reads(block) {
            visit::visit_expr_block(self, block);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let tree = item.tree.clone();
        if item.leading_colon.is_none() {
            self.imports.push(tree);
        }
    }

    // `pub(in path)` and `pub(super)` use nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let colon = path.leading_colon.map(|_| String::new());
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.paths.push(colon.into_iter().chain(names).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.read_tokens(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if path.is_ident("doc") || path.is_ident("cfg") {
            return;
        }
        self.visit_path(path);
        match &attribute.meta {
            Meta::List(list) => self.read_tokens(list.tokens.clone(), true),
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
            Meta::Path(_) => {}
        }
    }
}

impl Found {
    /// Paths in tokens whose grammar is a macro's own. In attributes a text may be a path too:
    /// `#[serde(with = "module")]`.
    fn read_tokens(&mut self, tokens: TokenStream, texts_too: bool) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    let is_a_use = colons == 2 && group.delimiter() == Delimiter::Brace;
                    assert!(!is_a_use, "a `use` inside of a macro call is not read");
                    self.end_path(&mut path);
                    self.read_tokens(group.stream(), texts_too);
                    colons = 0;
                }
                TokenTree::Literal(literal) if texts_too => {
                    self.end_path(&mut path);
                    colons = 0;
                    let text = literal.to_string();
                    if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"')) {
                        self.visit_path(&path);
                    }
                }
                _ => {
                    self.end_path(&mut path);
                    colons = 0;
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.paths.push(std::mem::take(path));
        }
    }
}
