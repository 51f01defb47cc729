//! One folder of images for each class.

mod common;

use std::path::Path;

use candle_augment::{Color, Dataset, ErrorKind, Image, ImageFolder, Limits, Result, Size};
use common::data::{encode, gradient, png, put, scratch};
use image::ImageFormat;

/// The files of a set below `root`, with forward slashes.
fn files(set: &ImageFolder, root: &Path) -> Vec<String> {
    let relative = |index| Some(set.path(index)?.strip_prefix(root).ok()?.to_str()?.replace('\\', "/"));
    (0..set.len()).map(|index| relative(index).expect("every image has a path below the root")).collect()
}

#[test]
fn classes_and_files_are_sorted_as_torchvision_sorts_them() -> Result<()> {
    let folder = scratch();
    let bytes = png(gradient(2, 2, 3));
    for name in ["b/2.png", "b/10.png", "B/x.png", "a/sub/1.png", "a/sub-2/1.png", "a/9.png", "a/sub/deep/er/1.PNG"] {
        put(folder.path(), name, &bytes);
    }
    let set = ImageFolder::open(folder.path())?;
    assert_eq!(set.classes(), ["B", "a", "b"]);
    assert_eq!(
        files(&set, folder.path()),
        ["B/x.png", "a/9.png", "a/sub/1.png", "a/sub-2/1.png", "a/sub/deep/er/1.PNG", "b/10.png", "b/2.png"]
    );
    assert_eq!(set.class_counts(), [1, 4, 2]);
    assert_eq!((0..7).map(|index| set.label(index)).collect::<Vec<_>>(), [0, 1, 1, 1, 1, 2, 2]);
    Ok(())
}

#[test]
fn hidden_and_other_files_are_passed_over() -> Result<()> {
    let folder = scratch();
    let bytes = png(gradient(2, 2, 3));
    for name in [".cache/1.png", "a/.1.png", "a/._1.png", "a/.git/1.png", "a/1.png", "1.png"] {
        put(folder.path(), name, &bytes);
    }
    for name in ["a/notes.txt", "a/labels.csv", "a/Thumbs.db", "a/png", "readme.md"] {
        put(folder.path(), name, b"text");
    }
    let set = ImageFolder::open(folder.path())?;
    assert_eq!(files(&set, folder.path()), ["a/1.png"]);
    Ok(())
}

#[test]
fn all_formats_load_and_a_wrong_extension_does_not_matter() -> Result<()> {
    let folder = scratch();
    let formats = [
        ("1.bmp", ImageFormat::Bmp),
        ("2.gif", ImageFormat::Gif),
        ("3.jpeg", ImageFormat::Jpeg),
        ("4.jpg", ImageFormat::Png),
        ("5.tif", ImageFormat::Tiff),
        ("6.tiff", ImageFormat::Tiff),
        ("7.webp", ImageFormat::WebP),
    ];
    for (name, format) in formats {
        put(folder.path(), &format!("class/{name}"), &encode(Image::filled(3, 4, &[200, 0, 0])?, format));
    }
    let set = ImageFolder::open(folder.path())?;
    assert_eq!(set.len(), formats.len());
    for index in 0..set.len() {
        let image = set.load(index)?;
        assert_eq!((image.size(), image.channels()), (Size::new(3, 4), 3), "{:?}", set.path(index));
        let [red, green, blue] = *image.pixel(2, 1) else { panic!("three channels") };
        assert!(red > 190 && green < 10 && blue < 10, "{:?}", set.path(index));
    }
    Ok(())
}

#[test]
fn color_and_limits_are_as_set() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "class/gray.png", &png(gradient(3, 4, 1)));
    let open = || ImageFolder::open(folder.path());
    assert_eq!(open()?.load(0)?.channels(), 3);
    assert_eq!(open()?.with_color(Color::AsStored).load(0)?, gradient(3, 4, 1));
    let limits = Limits { max_side: 3, ..Limits::default() };
    assert_eq!(open()?.with_limits(limits).load(0).unwrap_err().kind(), ErrorKind::Limits);
    Ok(())
}

#[test]
fn one_image_of_color_makes_a_folder_of_color() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "a/1.png", &png(gradient(3, 4, 1)));
    put(folder.path(), "b/1.jpg", &encode(gradient(8, 8, 1), ImageFormat::Jpeg));
    put(folder.path(), "b/2.png", b"damaged");
    assert_eq!(ImageFolder::open(folder.path())?.stored_color(), Color::Gray);
    put(folder.path(), "b/3.png", &png(gradient(3, 4, 3)));
    assert_eq!(ImageFolder::open(folder.path())?.stored_color(), Color::Rgb);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_for_files_only() -> Result<()> {
    use std::os::unix::ffi::OsStringExt;

    let folder = scratch();
    let name = |bytes: &[u8]| std::ffi::OsString::from_vec(bytes.to_vec());
    let path = put(folder.path(), "a/1.png", &png(gradient(2, 2, 3)));
    std::fs::rename(&path, path.with_file_name(name(b"\xe4.png"))).expect("a scratch folder is writable");
    ImageFolder::open(folder.path())?.load(0)?;
    std::fs::rename(folder.path().join("a"), folder.path().join(name(b"\xe4"))).expect("a scratch folder is writable");
    let error = ImageFolder::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dataset);
    assert!(error.message().contains("not UTF-8"), "{error}");
    Ok(())
}

#[cfg(unix)]
mod links_and_pipes {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use candle_augment::read_header;
    use common::loader::in_time;

    use super::*;

    #[test]
    fn links_to_folders_and_files_are_followed() -> Result<()> {
        let (folder, elsewhere) = (scratch(), scratch());
        let file = put(elsewhere.path(), "stock/1.png", &png(gradient(2, 2, 3)));
        put(folder.path(), "a/own.png", &png(gradient(2, 2, 3)));
        symlink(elsewhere.path(), folder.path().join("a/more")).expect("links can be made");
        symlink(elsewhere.path().join("stock"), folder.path().join("b")).expect("links can be made");
        symlink(file, folder.path().join("a/file.png")).expect("links can be made");
        let set = ImageFolder::open(folder.path())?;
        assert_eq!(files(&set, folder.path()), ["a/file.png", "a/own.png", "a/more/stock/1.png", "b/1.png"]);
        set.load(2).map(drop)
    }

    #[test]
    fn a_link_that_leads_back_is_an_error() {
        let folder = scratch();
        put(folder.path(), "a/sub/1.png", &png(gradient(2, 2, 3)));
        symlink(folder.path().join("a"), folder.path().join("a/sub/again")).expect("links can be made");
        let error = ImageFolder::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dataset);
        assert!(error.path().is_some_and(|path| path.ends_with("a/sub/again")), "{error}");
    }

    #[test]
    fn links_between_two_folders_end() {
        let folder = scratch();
        for (class, other) in [("a", "b"), ("b", "a")] {
            put(folder.path(), &format!("{class}/1.png"), &png(gradient(2, 2, 3)));
            symlink(folder.path().join(other), folder.path().join(class).join("other")).expect("links can be made");
        }
        assert_eq!(ImageFolder::open(folder.path()).unwrap_err().kind(), ErrorKind::Dataset);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_an_image_that_cannot_be_read() -> Result<()> {
        let folder = scratch();
        symlink(folder.path().join("gone"), folder.path().join("gone.png")).expect("links can be made");
        put(folder.path(), "a/1.png", &png(gradient(2, 2, 3)));
        symlink(folder.path().join("gone"), folder.path().join("a/2.png")).expect("links can be made");
        let set = ImageFolder::open(folder.path())?;
        let error = set.load(1).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, set.path(1).as_deref()));
        Ok(())
    }

    #[test]
    fn pipes_and_devices_are_refused_and_not_waited_for() -> Result<()> {
        let folder = scratch();
        std::fs::create_dir(folder.path().join("a")).expect("a scratch folder is writable");
        let made = Command::new("mkfifo").arg(folder.path().join("a/pipe.png")).status();
        assert!(made.expect("every Unix has mkfifo").success());
        symlink("/dev/zero", folder.path().join("a/zero.png")).expect("links can be made");
        let set = ImageFolder::open(folder.path())?;
        assert_eq!(set.len(), 2);
        for index in 0..2 {
            let (loaded, header) = (set.clone(), set.path(index).expect("every image has a file"));
            let error = in_time(move || loaded.load(index)).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Io, set.path(index).as_deref()), "{error}");
            assert!(error.message().contains("a pipe or a device: remove it"), "{error}");
            assert_eq!(in_time(move || read_header(header)).unwrap_err().kind(), ErrorKind::Io);
        }
        in_time(move || set.stored_color());
        Ok(())
    }
}
