use std::io::{Read, Write};
use std::net::TcpStream;

use mareva_kafka::TopicPartition;

use super::*;

fn ask(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: mareva\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer[9..12].parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

fn lag(records: i64) -> Stats {
    let lag = vec![(TopicPartition { topic: "bank.transactions".into(), partition: 0 }, records)];
    Stats { lag, ..Stats::default() }
}

fn start(stalled_after: Duration) -> (Server, Arc<Health>) {
    let metrics = Arc::new(Metrics::new("1").unwrap());
    let health = Arc::new(Health::new(stalled_after));
    let server = Server::start("127.0.0.1:0".parse().unwrap(), metrics, health.clone(), None).unwrap();
    (server, health)
}

#[test]
fn becomes_ready_when_caught_up_and_stays_so() {
    let (server, health) = start(Duration::from_secs(60));
    let ready = || ask(server.address(), "/readyz");
    assert_eq!(ready(), (503, "loading rules, lists and tables\n".to_owned()));
    health.enter(Stage::Recovering);
    health.turned(&lag(0));
    assert_eq!(ready().0, 503);
    health.enter(Stage::CatchingUp);
    health.turned(&Stats::default());
    health.turned(&lag(CAUGHT_UP + 1));
    assert_eq!(ready().1, "catching up with the topics\n");
    health.turned(&lag(CAUGHT_UP));
    health.turned(&lag(CAUGHT_UP + 1));
    assert_eq!(ready(), (200, "ready\n".to_owned()));
    health.enter(Stage::Stopping);
    assert_eq!(ready(), (503, "stopping\n".to_owned()));
}

#[test]
fn is_not_ready_while_nothing_can_be_committed() {
    let (server, health) = start(Duration::from_secs(60));
    let ready = || ask(server.address(), "/readyz");
    let waits = |waits_for_commit| Stats { waits_for_commit, ..lag(0) };
    health.enter(Stage::CatchingUp);
    health.turned(&waits(NOT_COMMITTED - Duration::from_millis(1)));
    assert_eq!(ready().0, 200);
    health.turned(&waits(NOT_COMMITTED + Duration::from_secs(4)));
    let outage = "nothing committed for 34 s: look at the brokers and the log\n";
    assert_eq!(ready(), (503, outage.to_owned()));
    assert_eq!(ask(server.address(), "/healthz").0, 200, "a restart would mend nothing");
    health.turned(&waits(Duration::ZERO));
    assert_eq!(ready().0, 200);
}

#[test]
fn is_unhealthy_when_a_live_loop_stands_still() {
    let (server, health) = start(Duration::from_millis(20));
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(ask(server.address(), "/healthz").0, 200);
    health.enter(Stage::CatchingUp);
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(ask(server.address(), "/healthz"), (503, "no progress for 0 s\n".to_owned()));
    health.turned(&lag(0));
    assert!(health.stalled().is_none());
}

#[test]
fn shows_metrics_and_nothing_else() {
    let (server, _) = start(Duration::from_secs(60));
    let (status, text) = ask(server.address(), "/metrics");
    assert_eq!(status, 200);
    assert!(text.contains("mareva_build_info"), "{text}");
    assert_eq!(ask(server.address(), "/").0, 404);
}

#[test]
fn ends_although_a_connection_is_open() {
    let (server, _) = start(Duration::from_secs(60));
    let address = server.address();
    let _open = TcpStream::connect(address).unwrap();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    let error = {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let metrics = Arc::new(Metrics::new("1").unwrap());
        let health = Arc::new(Health::new(Duration::from_secs(1)));
        Server::start(taken.local_addr().unwrap(), metrics, health, None).unwrap_err()
    };
    assert!(error.to_string().contains("choose a free address"), "{error}");
}

#[test]
fn an_address_that_is_taken_is_refused_with_what_to_do() {
    let (server, health) = start(Duration::from_secs(60));
    let metrics = Arc::new(Metrics::new("1").unwrap());
    let error = Server::start(server.address(), metrics, health, None).unwrap_err();
    let refusal: &Refusal = error.downcast_ref().expect("nobody frees it by a restart");
    let fault = refusal.0[0].to_string();
    assert!(fault.starts_with("http.listen: cannot listen on 127.0.0.1:") && fault.contains("free address"), "{fault}");
}

#[test]
fn rules_are_shown_and_read_again_for_whoever_has_the_token_alone() {
    let start = |admin| {
        let metrics = Arc::new(Metrics::new("1").unwrap());
        let health = Arc::new(Health::new(Duration::from_secs(60)));
        Server::start("127.0.0.1:0".parse().unwrap(), metrics, health, admin).unwrap()
    };
    let ask = |server: &Server, method: &str, path: &str, token: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: mareva\r\nConnection: close\r\nContent-Length: 0\r\n");
        write!(stream, "{head}{token}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse::<u16>().unwrap(), answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    };
    let (right, wrong) = ("Authorization: Bearer sixteen bytes ok\r\n", "Authorization: Bearer sixteen bytes no\r\n");
    let paths = [("GET", "/admin/rules"), ("POST", "/admin/rules/reload")];
    let off = start(None);
    let on = start(Some(Admin::new(b"sixteen bytes ok", Arc::default(), None)));
    for (method, path) in paths {
        assert_eq!(ask(&off, method, path, right).0, 404, "off unless it is configured");
        for token in ["", wrong, "Authorization: sixteen bytes ok\r\n", "Authorization: Bearer \r\n"] {
            assert_eq!(ask(&on, method, path, token), (401, String::new()), "{path}, {token}");
        }
    }
    let (code, shown) = ask(&on, "GET", "/admin/rules", right);
    assert!(code == 200 && shown.contains("\"rules\":[]"), "{code}: {shown}");
    let (code, said) = ask(&on, "POST", "/admin/rules/reload", right);
    assert!(code == 409 && said.contains("snapshots.path"), "{code}: {said}");
    assert_eq!(ask(&on, "GET", "/admin/rules/reload", right).0, 405);
}
