//! Environment variables that stand for keys.
//!
//! `GWT_`, then the path of the key in upper case, with two underscores between its steps and a number for a place in a
//! list: `GWT_MME_ADDR`, `GWT_LOCAL_ADDRESSES__S1U_IP`, `GWT_SUBSCRIBERS__0__IMSI`. The value is YAML and replaces what
//! the file has there, whole. An empty one changes nothing; `~` takes the key's value away.

use std::ffi::OsString;

use super::tree::{Entry, Place, Tree, Value};

const PREFIX: &str = "GWT_";

/// Variables of this prefix that stand for no key.
const RESERVED: &[&str] = &[crate::discovery::PODINFO];

/// What is wrong with a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableError {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(usize),
    Key(String),
}

/// Puts variables into a tree, and returns their names: [`Place::Variable`] counts them from 0.
pub(crate) fn put_into(
    tree: &mut Tree,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<String>, VariableError> {
    let mut variables = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if RESERVED.contains(&name) || value.is_empty() {
            continue;
        }
        variables.push((steps(name), name.to_owned(), value));
    }
    // What is above comes before what is below it, and places of a list come in their order.
    variables.sort();
    let mut names = Vec::new();
    for (steps, name, value) in variables {
        let place = Place::Variable(names.len());
        let wrong = |what: String| VariableError {
            name: name.clone(),
            key: path(&steps),
            what,
        };
        let Some(text) = value.to_str() else {
            return Err(wrong("not UTF-8, expected a value in YAML".to_owned()));
        };
        let value = Tree::parse(text)
            .map_err(|error| wrong(error.what))?
            .moved_to(place);
        set(tree, &steps, value, place).map_err(wrong)?;
        names.push(name);
    }
    Ok(names)
}

fn steps(name: &str) -> Vec<Step> {
    let path = name.trim_start_matches(PREFIX);
    let step = |step: &str| match step.parse() {
        Ok(index) => Step::Index(index),
        Err(_) => Step::Key(step.to_lowercase()),
    };
    path.split("__").map(step).collect()
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.extend([".", key]),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn set(tree: &mut Tree, steps: &[Step], new: Tree, place: Place) -> Result<(), String> {
    let Some((step, below)) = steps.split_first() else {
        *tree = new;
        return Ok(());
    };
    if tree.is_null() {
        let value = match step {
            Step::Key(_) => Value::Map(Vec::new()),
            Step::Index(_) => Value::List(Vec::new()),
        };
        *tree = Tree { place, value };
    }
    match (&mut tree.value, step) {
        (Value::Map(entries), step) => {
            let key = match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            };
            let at = match entries.iter().position(|entry| entry.key == key) {
                Some(at) => at,
                None => {
                    let value = nothing(place);
                    entries.push(Entry { key, place, value });
                    entries.len() - 1
                }
            };
            if below.is_empty() {
                entries[at].place = place;
            }
            set(&mut entries[at].value, below, new, place)
        }
        (Value::List(values), Step::Index(index)) => {
            if *index == values.len() {
                values.push(nothing(place));
            }
            let entries = values.len();
            match values.get_mut(*index) {
                Some(value) => set(value, below, new, place),
                None => Err(format!(
                    "the list has no place {index} yet, expected at most {entries}"
                )),
            }
        }
        (Value::List(_), Step::Key(_)) => {
            Err("stands below a list, expected the number of a place in it".to_owned())
        }
        (Value::Scalar { .. }, _) => Err("stands below a single value, expected a map or a list".to_owned()),
    }
}

fn nothing(place: Place) -> Tree {
    let text = String::new();
    let value = Value::Scalar { text, plain: true };
    Tree { place, value }
}
