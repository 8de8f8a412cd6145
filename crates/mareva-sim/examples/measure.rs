use std::time::Instant;
fn main() {
    let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let seed: u64 = std::env::args().nth(2).map_or(1, |s| s.parse().unwrap());
    let config = mareva_sim::SimConfig::new(seed, n);
    let t = Instant::now();
    let dir = std::path::PathBuf::from(format!("/tmp/sim-{n}-{seed}"));
    let s = mareva_sim::write(&config, &dir, &mut |_| {}).unwrap();
    println!("{s:#?}");
    println!("days planned {} lived {:.2} write {:?}", config.days(), (s.last_time - config.start) as f64 / 86400e3, t.elapsed());
    let t = Instant::now();
    let c = mareva_sim::records(&config).count();
    println!("iterate {c} {:?} {:.0}/s", t.elapsed(), c as f64 / t.elapsed().as_secs_f64());
    let t = Instant::now();
    let r = mareva_sim::reference(&config);
    println!("reference {:?} labels {}", t.elapsed(), r.labels.len());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
