//! No file over 500 lines, no function over 70, no line over 100 columns.

use syn::{
    Block, ImplItemFn, ItemFn, Signature, TraitItemFn,
    visit::{self, Visit},
};

use super::sources::{Source, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

#[derive(Default)]
struct Long(Vec<String>);

impl Long {
    fn add(&mut self, signature: &Signature, block: &Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        if last + 1 - first > FUNCTION_LINES_MAX {
            self.0.push(signature.ident.to_string());
        }
    }
}

impl<'a> Visit<'a> for Long {
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

fn long_functions(source: &Source) -> Vec<String> {
    let mut long = Long::default();
    long.visit_file(&source.tree);
    long.0
}

fn is_long(source: &Source) -> bool {
    source.text.lines().count() > FILE_LINES_MAX
}

fn wide_lines(source: &Source) -> Vec<usize> {
    let numbered = (1..).zip(source.text.lines());
    numbered
        .filter(|(_, line)| line.chars().count() > COLUMNS_MAX)
        .map(|(number, _)| number)
        .collect()
}

fn all() -> Vec<Source> {
    ["src", "tests"].into_iter().flat_map(sources).collect()
}

#[test]
fn no_file_is_over_500_lines() {
    let long = all().into_iter().filter(is_long).map(|source| source.path);
    assert_eq!(long.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_function_is_over_70_lines() {
    let of = |source: &Source| {
        let names = long_functions(source).into_iter();
        names.map(|name| format!("{} {name}", source.path)).collect::<Vec<_>>()
    };
    let long: Vec<_> = sources("src").iter().flat_map(of).collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn no_line_is_over_100_columns() {
    let of = |source: &Source| (source.path.clone(), wide_lines(source));
    let wide: Vec<_> = all().iter().map(of).filter(|(_, lines)| !lines.is_empty()).collect();
    assert_eq!(wide, Vec::<(String, Vec<usize>)>::new());
}

#[test]
fn what_is_too_long_would_be_seen() {
    let body = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines));
    let source = |text: &str| Source::parse("src/x.rs", text);
    assert!(long_functions(&source(&body(68))).is_empty());
    assert_eq!(long_functions(&source(&body(69))), ["f"]);
    let inside = format!("struct A;\nimpl A {{\n{}}}\n", body(69));
    assert_eq!(long_functions(&source(&inside)), ["f"]);
    assert!(!is_long(&source(&"//\n".repeat(500))));
    assert!(is_long(&source(&"//\n".repeat(501))));
    assert!(wide_lines(&source(&"/".repeat(100))).is_empty());
    assert_eq!(wide_lines(&source(&format!("\n// {}", "梯".repeat(98)))), [2]);
}
