use std::fs;
use std::path::{Path, PathBuf};

use mareva_codec::Stream;
use mareva_model::{Digest, parse_time};
use mareva_pipeline::InputSlice;

use super::merge::{Frame, Merge};
use super::peek::{peek_time, stream_of};

#[test]
fn times_are_found_without_decoding() {
    let at = parse_time("2026-01-05T10:00:00.123Z").ok();
    for (line, expected) in [
        (r#"{"type":"trade","time":"2026-01-05T10:00:00.123Z"}"#, at),
        (r#"{"time" : 1767607200123}"#, at),
        (r#"{"remittance":"\"time\":5","time":1767607200123}"#, at),
        (r#"{"channel":"time","time":1767607200123}"#, at),
        ("\u{feff} {\"time\":1767607200123}", at),
        (r#"{"block_timestamp": 1683029999, "item_timestamp": "x"}"#, Some(1_683_029_999_000)),
        ("<A><CreDtTm>2026-01-05T10:00:00.123Z</CreDtTm></A>", at),
        ("<p:AccptncDtTm>2026-01-05T10:00:00.123Z</p:AccptncDtTm>", at),
        ("<h:CreDt>2026-01-05T10:00:00.123Z</h:CreDt>", at),
        (r#"{"time":"yesterday"}"#, None),
        (r#"{"time":}"#, None),
        ("<CreDtTm>", None),
        ("", None),
        ("\"time\"", None),
    ] {
        assert_eq!(peek_time(line.as_bytes()), expected, "{line}");
    }
}

#[test]
fn streams_are_told_apart() {
    for (line, expected) in [
        (r#"{"type":"card_payment"}"#, Some(Stream::Bank)),
        ("<?xml version='1.0'?>", Some(Stream::Bank)),
        (r#"{"type": "token_transfer"}"#, Some(Stream::Exchange)),
        (r#"{"type":"account"}"#, None),
        ("nonsense", None),
    ] {
        assert_eq!(stream_of(line.as_bytes()), expected, "{line}");
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mareva-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn slices(files: &[(&str, i32, &Path)]) -> Vec<InputSlice> {
    let frame = Frame { started: 1_000_000, max_ahead_ms: 1_000, idle_after_ms: 60_000, epoch: Digest([0; 32]) };
    let mut merge = Merge::open(files.iter().copied(), frame).unwrap();
    let mut slices = Vec::new();
    while let Some(slice) = merge.next_slice().unwrap() {
        slices.push(slice);
    }
    slices
}

#[test]
fn files_merge_by_time_and_keep_their_own_order() {
    let folder = Folder::new("merge");
    let bank = folder.file("bank", "{\"time\":10}\n\n{\"time\":30}\r\n{\"time\":20}\nbroken\n{\"time\":50}");
    let exchange = folder.file("exchange", "{\"time\":15}\n{\"time\":9999999999}\n{\"time\":40}\n");
    let slices = slices(&[("bank", 0, &bank), ("exchange", 0, &exchange)]);
    let order: Vec<(String, i64)> =
        slices.iter().flat_map(|slice| &slice.records).map(|r| (r.topic.to_string(), r.offset)).collect();
    let expected = [
        ("bank", 0),
        ("exchange", 0),
        // Too far ahead, or without a time: right away.
        ("exchange", 1),
        ("bank", 2),
        ("bank", 3),
        ("bank", 4),
        ("exchange", 2),
        ("bank", 5),
    ];
    assert_eq!(order, expected.map(|(topic, offset)| (topic.to_owned(), offset)));
    assert_eq!(slices[0].joined.len(), 2);
    let ends: Vec<bool> = slices.iter().map(|slice| slice.end).collect();
    assert_eq!(ends.iter().filter(|end| **end).count(), 1);
    assert_eq!(ends.last(), Some(&true));
}

#[test]
fn a_file_that_has_ended_does_not_hold_low_time() {
    let folder = Folder::new("ended");
    let short = folder.file("short", "{\"time\":10}\n");
    let long = folder.file("long", "{\"time\":20}\n{\"time\":30}\n");
    let slices = slices(&[("bank", 0, &short), ("exchange", 0, &long)]);
    assert_eq!(slices.iter().map(|slice| slice.records.len()).collect::<Vec<_>>(), [1, 2]);
    assert!(slices[1].tick - slices[0].tick > 60_000);
    assert_eq!(slices.iter().map(|slice| slice.seq).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn nothing_at_all_is_one_empty_slice_that_ends() {
    let folder = Folder::new("empty");
    let empty = folder.file("empty", "\n\n");
    let slices = slices(&[("bank", 0, &empty)]);
    assert_eq!(slices.len(), 1);
    assert!(slices[0].end && slices[0].records.is_empty() && slices[0].joined.is_empty());
}

#[test]
fn every_missing_file_is_named() {
    let frame = Frame { started: 0, max_ahead_ms: 0, idle_after_ms: 0, epoch: Digest([0; 32]) };
    let files = [("bank", 0, Path::new("/nonexistent/a")), ("exchange", 0, Path::new("/nonexistent/b"))];
    let refusal = Merge::open(files, frame).err().unwrap();
    assert_eq!(refusal.0.len(), 2);
}
