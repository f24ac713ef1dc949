//! Who may know whom. Reads every `use` and every path in `src`, test modules too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each rank knows those above it. Siblings in one rank do not know each other.
const RANKS: &[&[&str]] = &[
    &["domain"],
    &["config", "crypto", "storage", "mail", "upstream"],
    &["flows"],
    &["web", "jobs", "cli"],
];

/// Who knows whom all the same, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("cli", "web", "`dev` and `serve` start the HTTP server"),
    ("cli", "jobs", "`dev` and `serve` start the housekeeping"),
];

/// What is for some files alone, and why.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (&["diesel", "diesel_migrations", "r2d2"], &["storage/"], "the database is storage's"),
    (&["actix_web"], &["web/", "cli/"], "HTTP is web's; cli runs the server on actix's runtime"),
    (&["actix_session", "askama"], &["web/"], "pages and cookies are web's"),
    (&["argon2", "aws_lc_rs", "jsonwebtoken", "zxcvbn"], &["crypto/"], "crypto is for it"),
    (&["std::env"], &["config/"], "config alone reads the environment"),
    (&["SystemTime"], &["domain/clock.rs"], "the hour comes in as an argument"),
    (
        &["Instant"],
        &["crypto/hashing_threads.rs", "web/request_log.rs"],
        "they measure a span only: the wait in a queue, and a request for the log",
    ),
];

const FORBIDDEN_IN_DOMAIN: &[&str] = &["std::fs", "std::net", "tokio"];
const NAMES_THAT_SAY_NOTHING: &[&str] = &["utils", "helpers", "common", "misc", "manager"];
const MAIN_LINES: usize = 60;

#[test]
fn every_layer_knows_only_those_below_it() {
    assert_none(sources().iter().flat_map(layer_violations).collect());
}

#[test]
fn every_crate_stays_in_its_layer_and_the_domain_does_no_io() {
    assert_none(sources().iter().flat_map(reserve_violations).collect());
}

#[test]
fn every_exception_is_still_needed() {
    let sources = sources();
    for (from, to, why) in EXCEPTIONS {
        let used =
            |source: &Source| source.edges().any(|(_, own, other)| (own, other) == (from, to));
        assert!(sources.iter().any(used), "{from} → {to} ({why})");
    }
    for (names, places, why) in RESERVED {
        for (name, place) in names.iter().flat_map(|name| places.iter().map(move |p| (name, p))) {
            let used = |s: &Source| s.file.starts_with(place) && !s.lines_with(name).is_empty();
            assert!(sources.iter().any(used), "{name} in {place} ({why})");
        }
    }
}

#[test]
fn main_is_short_and_every_file_is_named_after_what_it_holds() {
    let sources = sources();
    let main = sources.iter().find(|source| source.file == "main.rs").expect("src/main.rs");
    assert!(main.lines <= MAIN_LINES, "src/main.rs has {} lines", main.lines);
    let vague = sources.iter().filter(|source| is_vague(&source.file));
    assert_none(vague.map(|source| format!("src/{}:1: says nothing", source.file)).collect());
    assert!(is_vague("web/utils.rs") && is_vague("flows/helpers/mod.rs"));
}

#[test]
fn the_checks_look_at_the_whole_tree() {
    let sources = sources();
    assert!(sources.len() > 80, "{} files", sources.len());
    let edges: usize = sources.iter().map(|source| source.edges().count()).sum();
    assert!(edges > 300, "{edges} paths from layer to layer");
}

/// A checker that finds nothing would pass everything.
#[test]
fn the_checks_catch_what_they_are_for() {
    for (file, text, expected) in [
        ("domain/a.rs", "use crate::storage::Db;", "1: domain knows storage"),
        ("domain/a.rs", "\nfn f() { crate::web::csrf::g() }", "2: domain knows web"),
        ("domain/a.rs", "use super::super::flows::Context;", "1: domain knows flows"),
        ("domain/a.rs", "mod tests { use super::super::super::cli; }", "1: domain knows cli"),
        ("domain/a.rs", "mod b { struct C {} }\nuse super::super::cli;", "2: domain knows cli"),
        ("storage/a.rs", "use crate::{domain::b,\n crypto::seal};", "2: storage knows crypto"),
        ("flows/a/b.rs", "use crate::{\n a::{b, c},\n web::{self, x}};", "3: flows knows web"),
        ("jobs/mod.rs", "use super::cli as commands;", "1: jobs knows cli"),
        ("web/a.rs", "const X: u8 = crate::jobs::X;", "1: web knows jobs"),
        ("cache/mod.rs", "use crate::domain::user;", "1: cache is no layer"),
        ("flows/a.rs", "use diesel::prelude::*;", "1: diesel"),
        ("flows/a.rs", "#[derive(::diesel::Queryable)] struct A;", "1: diesel"),
        ("jobs/mod.rs", "fn f() { actix_web::rt::spawn(g()) }", "1: actix_web"),
        ("cli/doctor.rs", "use std::{collections::HashMap,\n env, fs};", "2: std::env"),
        ("flows/a.rs", "use std::time::{Duration, Instant};", "1: Instant"),
        ("flows/a.rs", "use std::time;\nfn f() { time::SystemTime::now(); }", "2: SystemTime"),
        ("domain/a.rs", "#[cfg(test)] mod tests { use std::fs; }", "1: std::fs"),
        ("domain/a.rs", "fn f<'a>() { let _ = '\"'; tokio::spawn(g()); }", "1: tokio"),
    ] {
        let found = violations(file, text);
        let expected = format!("src/{file}:{expected}");
        assert!(found.iter().any(|v| v.starts_with(&expected)), "{expected}, not {found:?}");
    }
    for (file, text) in [
        ("domain/a.rs", "use super::role::Role; use crate::domain::ids; use std::time::Duration;"),
        ("domain/a.rs", "// use crate::web::x;\n/* tokio::x */ /// diesel::x"),
        ("domain/a.rs", "const A: &str = \"crate::web\"; const B: &str = r#\"\" tokio::x \"#;"),
        ("cli/dev.rs", "use crate::{jobs, web::server::start}; use actix_web::web::Data;"),
        ("web/mod.rs", "mod tests { use super::oauth; use super::super::flows::Context; }"),
    ] {
        assert_eq!(violations(file, text), Vec::<String>::new(), "{text}");
    }
}

struct Source {
    /// Below `src/`.
    file: String,
    lines: usize,
    /// Every path with its line; `crate::…` if it is one of ours.
    paths: Vec<(usize, String)>,
}

impl Source {
    fn new(file: &str, text: &str) -> Self {
        let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let paths = paths(&tokens(text), module.split('/').collect());
        Self { file: file.to_owned(), lines: text.lines().count(), paths }
    }

    /// Line, own layer and other layer of every path out of the layer.
    fn edges(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        let own = self.file.split_once('/').map(|(own, _)| own);
        self.paths.iter().filter_map(move |(line, path)| {
            let other = path.strip_prefix("crate::")?.split("::").next()?;
            own.filter(|own| *own != other).map(|own| (*line, own, other))
        })
    }

    fn lines_with(&self, name: &str) -> Vec<usize> {
        let name = format!("::{name}::");
        let has = |path: &String| format!("::{path}::").contains(&name);
        self.paths.iter().filter(|(_, path)| has(path)).map(|(line, _)| *line).collect()
    }
}

fn layer_violations(source: &Source) -> Vec<String> {
    let rank = |layer: &str| RANKS.iter().position(|rank| rank.contains(&layer));
    let bad = source.edges().filter_map(|(line, own, other)| {
        let what = match (rank(own), rank(other)) {
            (None, _) => format!("{own} is no layer"),
            (Some(own), Some(other)) if other < own => return None,
            _ if EXCEPTIONS.iter().any(|e| (e.0, e.1) == (own, other)) => return None,
            _ => format!("{own} knows {other}"),
        };
        Some(format!("src/{}:{line}: {what}", source.file))
    });
    bad.collect()
}

fn reserve_violations(source: &Source) -> Vec<String> {
    let is_in = |places: &[&str]| places.iter().any(|place| source.file.starts_with(place));
    let reserved = RESERVED.iter().filter(|(_, places, _)| !is_in(places));
    let mut forbidden: Vec<_> =
        reserved.flat_map(|(names, _, why)| names.iter().map(move |name| (*name, *why))).collect();
    if is_in(&["domain/"]) {
        forbidden.extend(FORBIDDEN_IN_DOMAIN.iter().map(|name| (*name, "the domain does no I/O")));
    }
    let lines = |(name, why)| source.lines_with(name).into_iter().map(move |l| (l, name, why));
    let found = forbidden.into_iter().flat_map(lines);
    found.map(|(line, name, why)| format!("src/{}:{line}: {name} ({why})", source.file)).collect()
}

fn violations(file: &str, text: &str) -> Vec<String> {
    let source = Source::new(file, text);
    [layer_violations(&source), reserve_violations(&source)].concat()
}

fn is_vague(file: &str) -> bool {
    file.trim_end_matches(".rs").split('/').any(|name| NAMES_THAT_SAY_NOTHING.contains(&name))
}

fn assert_none(violations: Vec<String>) {
    let violations: BTreeSet<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "{violations:#?}");
}

fn sources() -> Vec<Source> {
    fn collect(folder: &Path, root: &Path, sources: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                collect(&path, root, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(root).expect("below src").to_string_lossy();
                sources.push(Source::new(&file, &fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    let root = Path::new(option_env!("CARGO_MANIFEST_DIR").unwrap_or(".")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources
}

/// Words, `::` and other characters with their lines; no comments, strings or characters.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        let upto = |end: &str, from: usize| {
            Some(rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len()))
        };
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let hashes = rest[word..].len() - rest[word..].trim_start_matches('#').len();
        let raw = ["r", "br", "cr"].contains(&&rest[..word]);
        let raw = raw && rest[word + hashes..].starts_with('"');
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let is_character = rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'');
        let skipped = match &rest[..first] {
            _ if rest.starts_with("//") => upto("\n", 0),
            _ if rest.starts_with("/*") => upto("*/", 0),
            _ if raw => upto(&format!("\"{}", "#".repeat(hashes)), word + hashes + 1),
            "\"" => Some(quoted(rest, '"')),
            "'" if is_character => Some(quoted(rest, '\'')),
            space if space.trim().is_empty() => Some(first),
            _ => None,
        };
        let length = skipped.unwrap_or(if rest.starts_with("::") { 2 } else { word.max(first) });
        if skipped.is_none() {
            tokens.push((line, &rest[..length]));
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = !escaped && *c == quote;
        escaped = !escaped && *c == '\\';
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Every path of a `use` and in code; `self` and `super` resolved from `module` and the `mod`s in it.
fn paths(tokens: &[(usize, &str)], module: Vec<&str>) -> Vec<(usize, String)> {
    let token = |at: usize| tokens.get(at).map_or("", |token| token.1);
    let (mut found, mut here, mut at) = (Vec::new(), module, 0);
    // Which of the open braces are those of a `mod`.
    let mut braces = Vec::new();
    while at < tokens.len() {
        let start = found.len();
        match (token(at), token(at + 1)) {
            ("mod", name) if token(at + 2) == "{" => here.push(name),
            ("{", _) => braces.push(at > 1 && token(at - 2) == "mod"),
            ("}", _) if braces.pop() == Some(true) => drop(here.pop()),
            ("use", next) => {
                at += 1 + usize::from(next == "::");
                tree(tokens, &mut at, "", &mut found);
            }
            (word, "::") if is_word(word) => tree(tokens, &mut at, "", &mut found),
            _ => {}
        }
        found[start..].iter_mut().for_each(|(_, path)| *path = resolve(path, &here));
        at += usize::from(found.len() == start);
    }
    found
}

/// One path after `prefix`, or those of a nested group.
fn tree(tokens: &[(usize, &str)], at: &mut usize, prefix: &str, found: &mut Vec<(usize, String)>) {
    let token = |at: usize| tokens.get(at).map_or("", |token| token.1);
    let mut path = prefix.to_owned();
    while token(*at) != "{" {
        path += token(*at);
        *at += 1;
        let goes_on = token(*at) == "::" && (is_word(token(*at + 1)) || token(*at + 1) == "{");
        if !goes_on {
            return found.push((tokens[*at - 1].0, path));
        }
        path += "::";
        *at += 1;
    }
    *at += 1;
    while !["}", ""].contains(&token(*at)) {
        match token(*at) {
            "," | "as" | "*" | "::" => *at += 1,
            _ => tree(tokens, at, &path, found),
        }
    }
    *at += 1;
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn resolve(path: &str, module: &[&str]) -> String {
    let (mut kept, mut rest) = (module.to_vec(), path);
    while let Some((up @ ("self" | "super"), below)) = rest.split_once("::") {
        if up == "super" {
            kept.pop();
        }
        rest = below;
    }
    if rest == path {
        rest.to_owned()
    } else {
        [&["crate"], &kept[..], &[rest]].concat().join("::")
    }
}
