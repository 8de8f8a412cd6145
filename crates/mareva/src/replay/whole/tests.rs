use super::*;

#[test]
fn two_runs_do_not_write_one_file() {
    let folder = std::env::temp_dir().join(format!("mareva-whole-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("alerts.ndjson");
    fs::write(unfinished(&path), "left by a run that was stopped").unwrap();
    let mut first = WholeFile::create(&path).unwrap();
    let second = WholeFile::create(&path).unwrap_err().to_string();
    assert!(second.contains("alerts.ndjson.partial is being written by another run"), "{second}");
    first.write_all(b"one\n").unwrap();
    first.finish().unwrap();
    let mut third = WholeFile::create(&path).unwrap();
    third.write_all(b"2\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    third.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    fs::remove_dir_all(&folder).unwrap();
}
