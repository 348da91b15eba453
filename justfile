# The project's verbs. `just` alone lists them.

default:
    @just --list

# Show it working: a lab of namespaces, four daemons, a page through the tunnel
demo *ARGS:
    cargo xtask demo {{ARGS}}

# Build the images, say how large they are, and write what is in them
images *ARGS:
    cargo xtask images {{ARGS}}

# Build the images and try them, and the compose files, on a Docker Engine
compose-test:
    tests/compose/run

# Every test
test:
    cargo test --workspace

# What a commit must pass besides the tests
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    just wall

# The brains compile without anything that does I/O
wall:
    cargo check -p enb --lib --no-default-features
    cargo check -p mme --lib --no-default-features
    cargo check -p sgw --lib --no-default-features
    cargo check -p pgw --lib --no-default-features
    cargo check -p epc-codec --lib --no-default-features

# Licences and advisories of the dependencies
deny:
    cargo deny check

# Compare what the codec reads with JSON lines of expectations
conformance *FILES:
    cargo run --release -p epc-codec --example conformance -- {{FILES}}
