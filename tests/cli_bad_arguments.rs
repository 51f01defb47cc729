//! Arguments that cannot be meant: exit status 2, at once, with a message that says what to give instead.
#![cfg(feature = "cli")]

mod common;

use common::data::{put, scratch};
use common::program::{pets, refuse, succeed};

#[test]
fn shares_outside_0_to_1() {
    for share in ["-0.1", "1.5", "NaN"] {
        let argument = format!("--share={share}");
        refuse(scratch().path(), &["compare", "digits", &argument], &["share", "between 0 and 1"]);
    }
}

#[test]
fn batches_of_nothing() {
    for command in ["train", "compare"] {
        refuse(scratch().path(), &[command, "digits", "--batch-size", "0"], &["batch"]);
    }
}

#[test]
fn numbers_out_of_range() {
    let cases: [(&[&str], &str); 17] = [
        (&["train", "digits", "--minutes", "0"], "--minutes"),
        (&["train", "digits", "--minutes=-1"], "--minutes"),
        (&["train", "digits", "--steps", "0"], "--steps"),
        (&["train", "digits", "--size", "7"], "from 8 to 128"),
        (&["train", "digits", "--size", "129"], "from 8 to 128"),
        (&["train", "digits", "--per-class", "0"], "0"),
        (&["compare", "digits", "--imbalance", "0.5"], "at least 1"),
        (&["compare", "digits", "--minutes", "0"], "--minutes"),
        (&["compare", "digits", "--gan-minutes", "0"], "--gan-minutes"),
        (&["compare", "digits", "--minutes", "1", "--gan-minutes", "2"], "more than --minutes"),
        (&["compare", "digits", "--ramp", "1.5"], "--ramp"),
        (&["compare", "digits", "--synthetic-weight", "0"], "--synthetic-weight"),
        (&["compare", "digits", "--learning-rate=-1"], "learning rate"),
        (&["compare", "digits", "--counts", "1,2,3"], "10 counts"),
        (&["compare", "digits", "--counts", "1,2,3,4,5,6,7,8,9,5000"], "class \"9\", which has"),
        (&["preview", "digits", "--rotate=-1"], "degrees"),
        (&["preview", "digits", "--jitter=-1"], "brightness"),
    ];
    for (arguments, word) in cases {
        refuse(scratch().path(), arguments, &[word]);
    }
}

#[test]
fn an_unknown_loss_names_the_known_ones() {
    refuse(scratch().path(), &["train", "digits", "--loss", "mean"], &["minimax", "non-saturating", "hinge"]);
}

#[test]
fn unknown_arms_and_classes_name_the_known_ones() {
    let folder = scratch();
    refuse(folder.path(), &["compare", "digits", "--arms", "none,magic"], &["magic", "class-weights", "gan+classic"]);
    refuse(folder.path(), &["compare", "digits", "--rare", "ten=3"], &["\"ten\"", "0, 1, 2"]);
    refuse(folder.path(), &["compare", "digits", "--rare", "8"], &["--rare", "8=10"]);
}

#[test]
fn usage_errors() {
    let folder = scratch();
    for arguments in [&["train"][..], &["fly"], &["train", "digits", "--steps", "2", "--minutes", "1"], &[]] {
        refuse(folder.path(), arguments, &["Usage"]);
    }
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_work() {
    let folder = scratch();
    put(folder.path(), "file", b"");
    std::fs::create_dir(folder.path().join("folder.png")).unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        // An hour's work that must not begin.
        (
            &["train", "digits", "--minutes", "60", "--out", "missing/gan.safetensors"],
            &["missing", "make it first", "--out"],
        ),
        (
            &["train", "digits", "--minutes", "60", "--out", "file/gan.safetensors"],
            &["file", "choose another with --out"],
        ),
        (
            &["train", "digits", "--minutes", "60", "--out", "gan.txt"],
            &["ends in .safetensors", "such as gan.safetensors"],
        ),
        (&["preview", "digits", "--out", "missing/sheet.png"], &["missing", "make it first", "--out"]),
        (&["preview", "digits", "--out", "sheet.jpg"], &["ends in .png", "such as sheet.png"]),
        (&["preview", "digits", "--out", "folder.png"], &["folder.png", "write elsewhere with --out"]),
        (&["demo", "--out", "file/demo"], &["file/demo", "choose another with --out"]),
    ];
    for (arguments, words) in cases {
        refuse(folder.path(), arguments, words);
    }
}

#[test]
fn a_checkpoint_is_not_replaced_unasked() {
    let folder = scratch();
    put(folder.path(), "gan.safetensors", b"precious");
    refuse(folder.path(), &["train", "digits", "--steps", "1"], &["gan.safetensors", "--resume", "--force", "--out"]);
    assert_eq!(std::fs::read(folder.path().join("gan.safetensors")).unwrap(), b"precious");
    succeed(folder.path(), &["train", "digits", "--steps", "1", "--force"]);
    assert_ne!(std::fs::read(folder.path().join("gan.safetensors")).unwrap(), b"precious");
}

#[test]
fn a_gan_may_not_have_seen_the_images_held_out() {
    let folder = scratch();
    succeed(folder.path(), &["train", "digits", "--steps", "1"]);
    refuse(folder.path(), &["compare", "digits", "--gan", "gan.safetensors"], &["held out", "--test"]);
}

#[test]
fn the_images_held_out_may_not_be_trained_on() {
    let folder = scratch();
    pets(folder.path(), "pets");
    for [data, test] in [["digits", "digits"], ["pets", "./pets/"]] {
        refuse(folder.path(), &["compare", data, "--test", test], &["--test", "trained on"]);
    }
}

#[test]
fn pipelines_that_cannot_be_meant() {
    let folder = scratch();
    let path = folder.path();
    pets(path, "pets");
    let files: [(&str, &str, &[&str]); 7] = [
        (
            "range.toml",
            "[[transforms]]\nRandomInvert = { p = 2 }",
            &["transforms[0].RandomInvert.p", "line 2", "[0, 1]"],
        ),
        ("name.toml", "[[transforms]]\nRotate = { degrees = 2 }", &["line 2", "`Rotate`", "`RandomRotation`"]),
        ("key.json", "{\"transforms\": [{\"Pad\": {\"fil\": 3}}]}", &["transforms[0].Pad.fil", "line 1", "`padding`"]),
        ("kind.yaml", "transforms: []", &[".toml or .json"]),
        ("class.toml", "[[transforms]]\nPerClass = { classes = { horse = [] } }", &["\"horse\"", "\"dog\""]),
        // Only the image shows that these do not suit it.
        ("large.toml", "[[transforms]]\nRandomCrop = { size = 9 }", &["cat/a.png", "9×9", "8×8", "pad it", "Crop"]),
        (
            "again.toml",
            "[[transforms]]\nGrayscale = {}\n[[transforms]]\nPad = { padding = 1, fill = [1, 2, 3] }",
            &["RGB", "one value"],
        ),
    ];
    for (name, text, words) in files {
        put(path, name, text.as_bytes());
        refuse(path, &["preview", "pets", "--pipeline", name], words);
    }
    for name in ["range.toml", "name.toml", "key.json", "kind.yaml", "class.toml"] {
        refuse(path, &["preview", "pets", "--pipeline", name], &[name]);
    }
    refuse(path, &["preview", "pets", "--pipeline", "missing.toml"], &["missing.toml", "cannot"]);
    refuse(path, &["preview", "pets", "--pipeline", "pets"], &["pets", ".toml or .json"]);
    for option in ["--flip", "--no-flip", "--rotate=5", "--jitter=0.1"] {
        let name = option.split('=').next().unwrap();
        refuse(
            path,
            &["preview", "pets", "--pipeline", "range.toml", option],
            &["--pipeline", "cannot be used with", name],
        );
    }
    assert!(!path.join("sheet.png").exists());
}
