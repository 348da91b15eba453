//! A YAML document as a tree in which every value knows its line.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deeper than any configuration; stops a file that would exhaust the stack.
const DEPTH: usize = 64;
/// Values in a file, those that aliases repeat included: 100,000 subscribers with ten keys each fit.
const VALUES: usize = 2_000_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this line of the file, from 1.
    Line(usize),
    /// In the environment variable of this number.
    Variable(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text as it stands; `plain` when it is not quoted, so that it may also be a number, a truth value or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
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
            place: Place::Line(1),
            value: Value::Map(Vec::new()),
        }))
    }

    /// Not quoted, and nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if is_null(text))
    }

    /// The place of a key path, or of the deepest part of it that stands somewhere.
    pub(crate) fn place_of(&self, path: &str) -> Place {
        let (mut tree, mut place) = (self, self.place);
        for step in steps(path) {
            let next = match &tree.value {
                Value::Map(entries) => entries
                    .iter()
                    .find(|entry| entry.key == step)
                    .map(|entry| (entry.place, &entry.value)),
                Value::List(_) => tree.child(step).map(|value| (value.place, value)),
                Value::Scalar { .. } => None,
            };
            match next {
                Some(next) => (place, tree) = next,
                None => break,
            }
        }
        place
    }

    /// The value at a key path.
    pub(crate) fn get(&self, path: &str) -> Option<&Tree> {
        steps(path).try_fold(self, Tree::child)
    }

    /// The value at a key path, to be replaced.
    pub(crate) fn get_mut(&mut self, path: &str) -> Option<&mut Tree> {
        steps(path).try_fold(self, |tree, step| match &mut tree.value {
            Value::Map(entries) => {
                let entry = entries.iter_mut().find(|entry| entry.key == step)?;
                Some(&mut entry.value)
            }
            Value::List(values) => values.get_mut(step.parse::<usize>().ok()?),
            Value::Scalar { .. } => None,
        })
    }

    fn child(&self, step: &str) -> Option<&Tree> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|entry| entry.key == step)
                .map(|entry| &entry.value),
            Value::List(values) => values.get(step.parse::<usize>().ok()?),
            Value::Scalar { .. } => None,
        }
    }

    /// The same value, as one that stands at another place as a whole.
    pub(crate) fn moved_to(mut self, place: Place) -> Tree {
        self.place = place;
        match &mut self.value {
            Value::Scalar { .. } => {}
            Value::List(values) => {
                let moved = std::mem::take(values).into_iter();
                *values = moved.map(|value| value.moved_to(place)).collect();
            }
            Value::Map(entries) => {
                let moved = std::mem::take(entries).into_iter().map(|entry| Entry {
                    place,
                    value: entry.value.moved_to(place),
                    ..entry
                });
                *entries = moved.collect();
            }
        }
        self
    }

    /// A text, or nothing; `None` for a list or a map.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, plain: true } if is_null(text) => Some(""),
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// The steps of a key path such as `subscribers[0].imsi`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty())
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
        let tree = Tree {
            place: Place::Line(line),
            value,
        };
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
            let place = Place::Line(line);
            entries.push(Entry { key, place, value });
        }
        // What stands here goes before what is merged in.
        for entry in merged.into_iter().flat_map(merge) {
            let Place::Line(line) = entry.place else { continue };
            if lines.insert(entry.key.clone(), line).is_none() {
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
