//! `cargo xtask images`: the images, how large they are, and what is in them.

mod sbom;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

/// Octets that an image should have at most.
const LARGEST: u64 = 6_000_000;

const DAEMONS: [&str; 4] = ["enb", "mme", "sgw", "pgw"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these: enb, mme, sgw, pgw, demo, enb-tini, ...
    targets: Vec<String>,
    /// The tag; the version of the workspace by default.
    #[arg(long)]
    tag: Option<String>,
    /// The image that compiles.
    #[arg(long)]
    builder: Option<String>,
    /// The image below the programs.
    #[arg(long)]
    runtime: Option<String>,
    /// Cargo features of the daemons, separated by commas.
    #[arg(long, default_value = "")]
    features: String,
    /// Only write what the daemons are made of, target/sbom/NODE.cdx.json.
    #[arg(long)]
    sbom_only: bool,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("images: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace is above this package")?;
    let directory = root.join("target/sbom");
    std::fs::create_dir_all(&directory)?;
    for node in DAEMONS {
        let file = directory.join(format!("{node}.cdx.json"));
        let bill = sbom::of(root, node, &args.features)?;
        std::fs::write(&file, serde_json::to_string_pretty(&bill)? + "\n")?;
        println!("target/sbom/{node}.cdx.json: {} crates", sbom::count(&bill));
    }
    if args.sbom_only {
        return Ok(());
    }
    let tag = args.tag.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
    let all = ["enb", "mme", "sgw", "pgw", "demo"].map(str::to_owned);
    let targets = if args.targets.is_empty() {
        &all[..]
    } else {
        &args.targets
    };
    let revision = revision(root);
    for target in targets {
        let image = image_of(target, tag);
        build(root, args, target, &image, &revision)?;
    }
    println!("{:<28} {:>10}", "image", "octets");
    for target in targets {
        let image = image_of(target, tag);
        let octets = size(&image)?;
        let note = if octets >= LARGEST { "  more than 6 MB" } else { "" };
        println!("{image:<28} {octets:>10}{note}");
    }
    Ok(())
}

/// `enb-tini` is a variant of `enb`, and so its tag says.
fn image_of(target: &str, tag: &str) -> String {
    match target.strip_suffix("-tini") {
        Some(node) => format!("gw-tester/{node}:{tag}-tini"),
        None => format!("gw-tester/{target}:{tag}"),
    }
}

fn build(root: &Path, args: &Args, target: &str, image: &str, revision: &str) -> anyhow::Result<()> {
    let mut command = Command::new("docker");
    command.current_dir(root);
    command.args([
        "build",
        "-f",
        "docker/Dockerfile",
        "--target",
        target,
        "-t",
        image,
    ]);
    let version = env!("CARGO_PKG_VERSION");
    let given = [
        ("VERSION", Some(version)),
        ("REVISION", Some(revision)),
        ("FEATURES", Some(args.features.as_str())),
        ("BUILDER", args.builder.as_deref()),
        ("RUNTIME", args.runtime.as_deref()),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            command.arg("--build-arg").arg(format!("{name}={value}"));
        }
    }
    let status = command.arg(".").status().context("cannot start docker")?;
    if !status.success() {
        bail!("docker build of {target} ended with {status}");
    }
    Ok(())
}

fn size(image: &str) -> anyhow::Result<u64> {
    let output = Command::new("docker")
        .args(["image", "inspect", "-f", "{{.Size}}", image])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .with_context(|| format!("docker image inspect {image}: {text}"))
}

/// The commit, where there is one.
fn revision(root: &Path) -> String {
    let output = Command::new("git")
        .current_dir(root)
        .args(["rev-parse", "HEAD"])
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}
