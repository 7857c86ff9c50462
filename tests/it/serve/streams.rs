//! Answers that come piece by piece.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use super::Serving;

const CLOCK: &str = "export default async () => {
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    async start(controller) {
      for (let tick = 0; tick < 3; tick++) {
        controller.enqueue(encoder.encode(`<p>${tick}</p>\\n`))
        await new Promise((done) => setTimeout(done, 800))
      }
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/html' } })
}
";

#[test]
fn a_clock_ticks_as_it_goes() {
    let serving = Serving::of(&[("netlify/functions/clock.mjs", CLOCK)], &[]);
    serving.call("clock");
    let start = Instant::now();
    let stream = serving.send("GET", "/.netlify/functions/clock", &[], b"");
    let mut times = Vec::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.starts_with("<p>") {
            times.push(start.elapsed());
        }
    }
    assert_eq!(times.len(), 3);
    let pauses = [times[1] - times[0], times[2] - times[1]];
    assert!(pauses.iter().all(|pause| *pause > Duration::from_millis(150)), "{times:?}");
}

#[test]
fn who_leaves_ends_what_nobody_reads() {
    let endless = "export default async () => new Response(new ReadableStream({
  async pull(controller) {
    controller.enqueue(new TextEncoder().encode('more\\n'))
    await new Promise((done) => setTimeout(done, 20))
  },
  cancel() {
    console.log('nobody is there any more')
  },
}))
";
    let serving = Serving::of(&[("netlify/functions/endless.mjs", endless)], &[]);
    let mut stream = serving.send("GET", "/.netlify/functions/endless", &[], b"");
    let mut some = [0; 64];
    assert!(stream.read(&mut some).unwrap() > 0);
    drop(stream);
    serving.until("nobody is there any more");
    // The process goes on with what comes next.
    let mut again = serving.send("GET", "/.netlify/functions/endless", &[], b"");
    assert!(again.read(&mut some).unwrap() > 0);
}

#[test]
fn who_reads_slowly_is_waited_for() {
    let much = "let sent = 0
export default async () => new Response(new ReadableStream({
  pull(controller) {
    sent += 1
    controller.enqueue(new Uint8Array(65536))
    if (sent === 200) controller.close()
  },
}))
";
    let count = "import { readFileSync } from 'node:fs'\nexport default async () => new Response('x')\n";
    let serving = Serving::of(&[("netlify/functions/much.mjs", much), ("netlify/functions/count.mjs", count)], &[]);
    let mut stream = serving.send("GET", "/.netlify/functions/much", &[], b"");
    let mut first = [0; 1024];
    let _ = stream.read(&mut first).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > 200 * 65536 - 1024, "{}", rest.len());
}

#[test]
fn a_stream_that_is_too_long_or_breaks_off_does_not_end_well() {
    let files = [
        (
            "netlify/functions/long.mjs",
            "export default async () => new Response(new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1 << 20)) } }))\n",
        ),
        (
            "netlify/functions/breaks.mjs",
            "export default async () => new Response(new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode('some')); setTimeout(() => process.exit(1), 50) } }))\n",
        ),
    ];
    let serving = Serving::of(&files, &[]);
    for name in ["long", "breaks"] {
        let mut stream = serving.send("GET", &format!("/.netlify/functions/{name}"), &[], b"");
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        assert!(!bytes.ends_with(b"0\r\n\r\n"), "{name}: {} bytes", bytes.len());
        assert!(bytes.len() < 22 << 20, "{name}: {} bytes", bytes.len());
    }
    serving.until("[long] Function.ResponseSizeTooLarge");
}

#[test]
fn events_of_another_server_pass_through() {
    let proxy = "export default async (request) => {
  const { body, headers } = await fetch(new URL(request.url).searchParams.get('from'))
  return new Response(body, { headers: { 'content-type': headers.get('content-type') } })
}
";
    let source = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = source.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = source.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").unwrap();
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            stream.write_all(event.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(800));
        }
    });
    let serving = Serving::of(&[("netlify/functions/proxy.mjs", proxy)], &[]);
    let path = format!("/.netlify/functions/proxy?from=http://127.0.0.1:{port}/");
    let stream = serving.send("GET", &path, &[], b"");
    let mut times = Vec::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.starts_with("data: ") {
            times.push(Instant::now());
        }
    }
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] > Duration::from_millis(150), "{times:?}");
}
