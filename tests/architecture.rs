//! Who may know whom. Reads every `use` and every path in `src`, test modules too.

use std::fs;
use std::path::Path;

/// Each rank knows those above it. Siblings in one rank do not know each other.
const RANKS: &[&[&str]] = &[
    &["domain"],
    &["messages"],
    &["config", "crypto", "storage", "mail", "upstream", "dns"],
    &["flows"],
    &["web", "jobs", "cli"],
];

const ALL_BUT_DOMAIN: &[&str] = &[
    "messages/",
    "config/",
    "crypto/",
    "storage/",
    "mail/",
    "upstream/",
    "dns/",
    "flows/",
    "web/",
    "jobs/",
    "cli/",
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
    (&["actix_session"], &["web/"], "cookies are web's"),
    (&["askama"], &["web/", "mail/"], "pages are web's, letters are mail's"),
    (
        &["opentelemetry", "opentelemetry_otlp", "opentelemetry_sdk"],
        &["web/request_log.rs", "cli/telemetry.rs"],
        "traces",
    ),
    (&["image"], &["domain/logo.rs"], "pictures are drawn in one place"),
    (&["actix_multipart"], &["web/"], "HTTP is web's"),
    (&["hickory_resolver"], &["dns/"], "names are resolved in one place"),
    (&["lettre"], &["mail/"], "SMTP is mail's"),
    (&["fluent_bundle", "unic_langid"], &["messages/"], "words are the catalogues'"),
    (&["argon2", "aws_lc_rs", "jsonwebtoken", "zxcvbn"], &["crypto/"], "it is crypto's"),
    (&["std::fs", "std::net", "tokio"], ALL_BUT_DOMAIN, "the domain does no I/O"),
    (&["std::env"], &["config/"], "config alone reads the environment"),
    (&["SystemTime"], &["domain/clock.rs"], "the hour comes in as an argument"),
    (
        &["Instant"],
        &["crypto/hashing_threads.rs", "storage/threads.rs", "web/request_log.rs"],
        "only spans",
    ),
];

const VAGUE_NAMES: &[&str] = &["utils", "helpers", "common", "misc", "manager"];
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
fn main_is_short_and_every_file_is_named_after_what_it_holds() {
    let sources = sources();
    let main = sources.iter().find(|source| source.file == "main.rs").expect("src/main.rs");
    assert!(main.lines <= MAIN_LINES, "src/main.rs has {} lines", main.lines);
    let is_vague = |file: &str| file.split(['/', '.']).any(|name| VAGUE_NAMES.contains(&name));
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
        ("storage/a.rs", "use crate::{domain::b,\n crypto::seal};", "2: storage knows crypto"),
        ("flows/a/b.rs", "use crate::{\n a::{b, c},\n web::{self, x}};", "3: flows knows web"),
        ("jobs/mod.rs", "use super::cli as commands;", "1: jobs knows cli"),
        ("cache/mod.rs", "use crate::domain::user;", "1: cache is no layer"),
        ("flows/a.rs", "use diesel::prelude::*;", "1: diesel"),
        ("jobs/mod.rs", "fn f() { actix_web::rt::spawn(g()) }", "1: actix_web"),
        ("cli/doctor.rs", "use std::{collections::HashMap,\n env, fs};", "2: std::env"),
        ("flows/a.rs", "use std::time::{Duration, Instant};", "1: Instant"),
        ("flows/a.rs", "use std::time;\nfn f() { time::SystemTime::now(); }", "2: SystemTime"),
        ("domain/a.rs", "#[cfg(test)] mod tests { use std::fs; }", "1: std::fs"),
    ] {
        let found = violations(file, text);
        let expected = format!("src/{file}:{expected}");
        assert!(found.iter().any(|v| v.starts_with(&expected)), "{expected}, not {found:?}");
    }
    for (file, text) in [
        ("domain/a.rs", "use super::role::Role; use crate::domain::ids; use std::time::Duration;"),
        ("domain/a.rs", "//! crate::web::x\nfn f() {} // tokio::x\n/// diesel::x"),
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

    fn lines_with<'n>(&self, name: &'n str) -> Vec<(&'n str, usize)> {
        let has = |path: &String| format!("::{path}::").contains(&format!("::{name}::"));
        self.paths.iter().filter(|(_, path)| has(path)).map(|(line, _)| (name, *line)).collect()
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
    let mut found = Vec::new();
    for (names, _, why) in RESERVED.iter().filter(|(_, places, _)| !is_in(places)) {
        for (name, line) in names.iter().flat_map(|name| source.lines_with(name)) {
            found.push(format!("src/{}:{line}: {name} ({why})", source.file));
        }
    }
    found
}

fn violations(file: &str, text: &str) -> Vec<String> {
    let source = Source::new(file, text);
    [layer_violations(&source), reserve_violations(&source)].concat()
}

fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "{violations:#?}");
}

fn sources() -> Vec<Source> {
    let root = Path::new(option_env!("CARGO_MANIFEST_DIR").unwrap_or(".")).join("src");
    let (mut sources, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(&root).expect("below src").to_string_lossy();
                sources.push(Source::new(&file, &fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    sources
}

/// Words, `::` and other characters with their lines, without comments. Strings are read like code:
/// at worst one that looks like a path is reported, but nothing is missed.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let comment = text.find("//").filter(|at| !text[..*at].ends_with(':'));
        let mut rest = &text[..comment.unwrap_or(text.len())];
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let length = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
            if !first.is_whitespace() {
                tokens.push((line, &rest[..length]));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// Every path of a `use` and in code; `self` and `super` resolved from `module` and the `mod`s in it.
fn paths(tokens: &[(usize, &str)], module: Vec<&str>) -> Vec<(usize, String)> {
    let token = |at: usize| tokens.get(at).map_or("", |token| token.1);
    let (mut found, mut here, mut at) = (Vec::new(), module, 0);
    while at < tokens.len() {
        let start = found.len();
        match (token(at), token(at + 1)) {
            // Such modules stand at the end of a file: none is left again.
            ("mod", name) if token(at + 2) == "{" => here.push(name),
            ("use", next) => {
                at += 1 + usize::from(next == "::");
                tree(tokens, &mut at, "", &mut found);
            }
            (word, "::") if word.starts_with(is_word) => tree(tokens, &mut at, "", &mut found),
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
        let goes_on = token(*at) == "::" && token(*at + 1).starts_with(|c| is_word(c) || c == '{');
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

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn resolve(path: &str, module: &[&str]) -> String {
    let (mut kept, mut rest) = (module.to_vec(), path);
    while let Some((up @ ("self" | "super"), below)) = rest.split_once("::") {
        if up == "super" {
            kept.pop();
        }
        rest = below;
    }
    let ours: &[&str] = if rest == path { &[] } else { &[&["crate"], &kept[..]].concat() };
    [ours, &[rest]].concat().join("::")
}
