//! A software bill of materials, CycloneDX 1.5, from what cargo says is linked into a daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The crates that a package is made of: those of its normal dependencies, with its features, for Linux.
pub(super) fn of(root: &Path, package: &str, features: &str) -> anyhow::Result<Value> {
    let metadata = metadata(root, package, features)?;
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let root_id = packages
        .iter()
        .find(|(_, found)| found["name"] == package && found["source"].is_null())
        .map(|(id, _)| *id)
        .with_context(|| format!("cargo metadata knows no package {package}"))?;

    let mut linked = BTreeSet::new();
    let mut waiting = vec![root_id];
    while let Some(id) = waiting.pop() {
        if linked.insert(id) {
            waiting.extend(
                nodes
                    .get(id)
                    .map(|node| normal_dependencies(node))
                    .unwrap_or_default(),
            );
        }
    }
    let checksums = checksums(root)?;
    let component = |id: &str, kind: &str| component(packages[id], kind, &checksums);
    let components: Vec<Value> = linked
        .iter()
        .filter(|id| **id != root_id)
        .map(|id| component(id, "library"))
        .collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .map(|id| {
            let on: Vec<String> = nodes
                .get(id)
                .map(|node| normal_dependencies(node))
                .unwrap_or_default()
                .into_iter()
                .map(|id| purl(packages[id]))
                .collect();
            json!({ "ref": purl(packages[id]), "dependsOn": on })
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(root_id, "application") },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// How many components a bill lists.
pub(super) fn count(bill: &Value) -> usize {
    list(&bill["components"]).len()
}

fn metadata(root: &Path, package: &str, features: &str) -> anyhow::Result<Value> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform=x86_64-unknown-linux-gnu",
        "--manifest-path",
    ]);
    command.arg(format!("{package}/Cargo.toml"));
    if !features.is_empty() {
        command.args(["--features", features]);
    }
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Neither build scripts' nor tests' dependencies; procedural macros count, for they write code that is linked.
fn normal_dependencies(node: &Value) -> Vec<&str> {
    list(&node["deps"])
        .iter()
        .filter(|dependency| {
            list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].is_null())
        })
        .filter_map(|dependency| dependency["pkg"].as_str())
        .collect()
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
