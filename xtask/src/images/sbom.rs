//! A software bill of materials, CycloneDX 1.5, from what cargo says is linked into a daemon.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates that a package is made of: those of its normal dependencies, with its features, for Linux.
pub(super) fn of(root: &Path, package: &str, features: &str) -> anyhow::Result<Value> {
    let linked = linked(root, package, features)?;
    // Of the whole workspace, with all features: what is known of each crate.
    let metadata = cargo(
        root,
        &[
            "metadata",
            "--format-version=1",
            "--locked",
            "--all-features",
            "--filter-platform",
            TARGET,
        ],
    )?;
    let metadata: Value = serde_json::from_slice(&metadata)?;
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .iter()
        .filter(|package| linked.contains(&(text(&package["name"]), text(&package["version"]))))
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let is_root = |found: &Value| found["name"] == package && found["source"].is_null();
    let (root_id, _) = packages
        .iter()
        .find(|(_, found)| is_root(found))
        .with_context(|| format!("cargo metadata knows no package {package}"))?;

    let checksums = checksums(root)?;
    let components: Vec<Value> = packages
        .iter()
        .filter(|(id, _)| *id != root_id)
        .map(|(_, package)| component(package, "library", &checksums))
        .collect();
    let nodes = list(&metadata["resolve"]["nodes"]).iter();
    let dependencies: Vec<Value> = nodes
        .filter_map(|node| {
            let package = packages.get(node["id"].as_str()?)?;
            let on = normal_dependencies(node).filter_map(|id| Some(purl(packages.get(id)?)));
            Some(json!({ "ref": purl(package), "dependsOn": on.collect::<Vec<_>>() }))
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(packages[root_id], "application", &checksums) },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// How many components a bill lists.
pub(super) fn count(bill: &Value) -> usize {
    list(&bill["components"]).len()
}

/// Names and versions of what cargo links into the package.
fn linked(root: &Path, package: &str, features: &str) -> anyhow::Result<HashSet<(String, String)>> {
    let tree = cargo(
        root,
        &[
            "tree",
            "--locked",
            "--package",
            package,
            "--features",
            features,
            "--edges=normal",
            "--target",
            TARGET,
            "--prefix=none",
            "--format={p}",
        ],
    )?;
    let tree = String::from_utf8(tree)?;
    let crates = tree.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some((name.to_owned(), version.to_owned()))
    });
    Ok(crates.collect())
}

fn cargo(root: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .current_dir(root)
        .args(args)
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "cargo {}: {}",
            args[0],
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// Neither build scripts' nor tests' dependencies; procedural macros count, for they write code that is linked.
fn normal_dependencies(node: &Value) -> impl Iterator<Item = &str> {
    list(&node["deps"])
        .iter()
        .filter(|dependency| {
            list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].is_null())
        })
        .filter_map(|dependency| dependency["pkg"].as_str())
}

fn component(package: &Value, kind: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        // Cargo once took `/` for OR.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(checksum) = checksums.get(&(name, version)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn purl(package: &Value) -> String {
    format!(
        "pkg:cargo/{}@{}",
        text(&package["name"]),
        text(&package["version"])
    )
}

/// By name and version, from Cargo.lock.
fn checksums(root: &Path) -> anyhow::Result<BTreeMap<(String, String), String>> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    let of = |package: &str, key: &str| {
        package.lines().find_map(|line| {
            Some(
                line.strip_prefix(key)?
                    .strip_prefix(" = ")?
                    .trim_matches('"')
                    .to_owned(),
            )
        })
    };
    let packages = lock.split("[[package]]").filter_map(|package| {
        Some((
            (of(package, "name")?, of(package, "version")?),
            of(package, "checksum")?,
        ))
    });
    Ok(packages.collect())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
