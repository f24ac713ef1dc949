//! What commands print: a table for people, one JSON document for programs.

use clap::Args;
use serde_json::Value;

#[derive(Args)]
pub struct Output {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

impl Output {
    /// One thing: label and value, line by line.
    pub fn one(&self, document: &Value) {
        if self.json {
            return println!("{document}");
        }
        let Value::Object(fields) = document else { return };
        let width = fields.keys().map(String::len).max().unwrap_or(0);
        for (name, value) in fields {
            println!("{name:width$}  {}", in_words(value));
        }
    }

    /// Many things of one kind: a column for each of `columns`.
    pub fn many(&self, documents: &[Value], columns: &[&str]) {
        if self.json {
            return println!("{}", Value::Array(documents.to_vec()));
        }
        let rows: Vec<Vec<String>> = documents
            .iter()
            .map(|document| columns.iter().map(|column| in_words(&document[*column])).collect())
            .collect();
        let widths: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let longest = rows.iter().map(|row| row[index].chars().count()).max().unwrap_or(0);
                longest.max(column.len())
            })
            .collect();
        let line = |cells: Vec<String>| {
            let padded: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", padded.join("  ").trim_end());
        };
        line(columns.iter().map(|column| column.to_uppercase()).collect());
        rows.into_iter().for_each(line);
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(" "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
