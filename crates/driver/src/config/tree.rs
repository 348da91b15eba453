//! A YAML document as a tree in which every value knows its line.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deeper than any configuration; stops a file that would exhaust the stack.
const DEPTH: usize = 64;
/// Values in a file, those that aliases repeat included: 100,000 subscribers with ten keys each fit.
const VALUES: usize = 2_000_000;

/// A value and its line, from 1.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A text as it stands; `plain` when it is not quoted, so that it may also be a number, a truth value or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) value: Tree,
}

/// Why a text is no tree.
#[derive(Debug)]
pub(crate) struct TreeError {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) what: String,
}

impl Tree {
    /// Reads the one document of a text; an empty text is an empty map.
    pub(crate) fn parse(text: &str) -> Result<Tree, TreeError> {
        let mut reader = Reader {
            events: Parser::new_from_str(text),
            anchors: HashMap::new(),
            values: 0,
        };
        let mut document = None;
        loop {
            let (event, line) = reader.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if document.is_some() => {
                    return Err(at(line, "a second YAML document, expected one in a file"));
                }
                Event::DocumentStart(_) => document = Some(reader.value(0)?),
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                _ => return Err(at(line, "not YAML, expected `key: value`")),
            }
        }
        Ok(document.unwrap_or(Tree {
            line: 1,
            value: Value::Map(Vec::new()),
        }))
    }

    /// Not quoted, and nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if is_null(text))
    }

    /// The line of a key path, or of the deepest part of it that stands in the file.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let (mut tree, mut line) = (self, self.line);
        for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let next = match &tree.value {
                Value::Map(entries) => entries
                    .iter()
                    .find(|entry| entry.key == step)
                    .map(|entry| (entry.line, &entry.value)),
                Value::List(values) => step
                    .parse()
                    .ok()
                    .and_then(|index: usize| values.get(index))
                    .map(|value| (value.line, value)),
                Value::Scalar { .. } => None,
            };
            match next {
                Some(next) => (line, tree) = next,
                None => break,
            }
        }
        line
    }
}

pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn at(line: usize, what: impl Into<String>) -> TreeError {
    TreeError {
        line,
        key: String::new(),
        what: what.into(),
    }
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Tree>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), TreeError> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(at(
                error.marker().line(),
                format!("not YAML: {}, expected `key: value`", error.info()),
            )),
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Tree, TreeError> {
        let (event, line) = self.next()?;
        self.value_of(event, line, depth)
    }

    fn value_of(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Tree, TreeError> {
        self.count(1, line)?;
        if depth > DEPTH {
            return Err(at(
                line,
                format!("nested deeper than {DEPTH} levels, expected fewer"),
            ));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let text = text.into_owned();
                (anchor, Value::Scalar { text, plain })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            Event::Alias(anchor) => {
                let Some(tree) = self.anchors.get(&anchor).cloned() else {
                    return Err(at(
                        line,
                        "an alias inside of its own anchor, expected one of another value",
                    ));
                };
                self.count(size(&tree), line)?;
                return Ok(tree);
            }
            _ => return Err(at(line, "not YAML, expected a value")),
        };
        let tree = Tree { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, tree.clone());
        }
        Ok(tree)
    }

    fn list(&mut self, depth: usize) -> Result<Value, TreeError> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(values)),
                (event, line) => values.push(self.value_of(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, TreeError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, ..), line) => (key.into_owned(), line),
                (_, line) => return Err(at(line, "a key is no plain word, expected `key: value`")),
            };
            let value = self.value(depth + 1)?;
            if key == "<<" {
                merged.push(value);
                continue;
            }
            if let Some(first) = lines.insert(key.clone(), line) {
                let what = format!("duplicate key, it stands on line {first} already, expected once");
                return Err(TreeError { line, key, what });
            }
            entries.push(Entry { key, line, value });
        }
        // What stands here goes before what is merged in.
        for entry in merged.into_iter().flat_map(merge) {
            if lines.insert(entry.key.clone(), entry.line).is_none() {
                entries.push(entry);
            }
        }
        Ok(Value::Map(entries))
    }

    fn count(&mut self, values: usize, line: usize) -> Result<(), TreeError> {
        self.values += values;
        if self.values > VALUES {
            return Err(at(line, format!("more than {VALUES} values, expected fewer")));
        }
        Ok(())
    }
}

/// The entries that `<<: *anchor` or `<<: [*one, *two]` brings.
fn merge(tree: Tree) -> Vec<Entry> {
    match tree.value {
        Value::Map(entries) => entries,
        Value::List(trees) => trees.into_iter().flat_map(merge).collect(),
        Value::Scalar { .. } => Vec::new(),
    }
}

fn size(tree: &Tree) -> usize {
    match &tree.value {
        Value::Scalar { .. } => 1,
        Value::List(values) => 1 + values.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}
