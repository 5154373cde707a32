//! Sends ready-made HTTP/1.1 requests over many keep-alive connections and counts, doing as little else as it can,
//! so that a bench measures the server.

use anyhow::{Context as _, bail, ensure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub struct Blast {
    /// Requests answered with the wanted status.
    pub answered: usize,
    /// From the first byte sent to the last answer read.
    pub wall: Duration,
    /// CPU time that this process took for it.
    pub client_cpu: Duration,
}

impl Blast {
    /// Answers per second of wall time.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        count(self.answered) / self.wall.as_secs_f64()
    }

    /// Answers per second with the client's CPU time, spread over the machine's cores, taken off the wall time.
    #[must_use]
    pub fn per_second_without_client(&self, cores: usize) -> f64 {
        let rest = self.wall.as_secs_f64() - self.client_cpu.as_secs_f64() / count(cores);
        count(self.answered) / rest.max(1e-9)
    }
}

/// A count as a float, exact below 2^32.
fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// One whole request with its body.
#[must_use]
pub fn request(
    method: &str,
    path: &str,
    host: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n",
        body.len()
    )
    .into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Sends every request once over `connections` connections; each answer must have status `wanted`.
///
/// # Errors
/// When a connection fails or an answer has another status.
pub async fn blast(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
    wanted: u16,
) -> anyhow::Result<Blast> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let (cpu, start) = (own_cpu()?, Instant::now());
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (requests, next) = (requests.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut buffer, mut answered) = (Vec::with_capacity(4096), 0);
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                stream.write_all(request).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                ensure!(
                    status == wanted,
                    "status {status} where {wanted} was wanted"
                );
                answered += 1;
            }
            anyhow::Ok(answered)
        }));
    }
    let mut answered = 0;
    for task in tasks {
        answered += task.await??;
    }
    Ok(Blast {
        answered,
        wall: start.elapsed(),
        client_cpu: own_cpu()?.saturating_sub(cpu),
    })
}

/// Reads one answer with a `Content-Length` and gives its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?;
    let status = text.split(' ').nth(1).context("no status")?.parse()?;
    let header = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length")
        .map(|value| value.parse::<usize>())
        .transpose()?;
    let chunked = header("transfer-encoding").is_some_and(|value| value == "chunked");
    loop {
        let whole = match length {
            Some(length) => buffer.len() >= head + length,
            None if chunked => buffer.len() > head && buffer.ends_with(b"0\r\n\r\n"),
            None => true,
        };
        if whole {
            break;
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    }
    Ok(status)
}

/// User and system time of this process.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of("self", 13)
}

/// User and system time of another process.
///
/// # Errors
/// When it has ended.
pub fn cpu_of_process(pid: u32) -> anyhow::Result<Duration> {
    cpu_of(&pid.to_string(), 13)
}

/// User and system time of this process's children that have ended.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn children_cpu() -> anyhow::Result<Duration> {
    cpu_of("self", 15)
}

/// proc(5): fields 14 to 17 of `stat` are utime, stime, cutime, cstime in clock ticks of 10 ms on Linux.
fn cpu_of(process: &str, first: usize) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .context("stat")?
        .1
        .split(' ')
        .collect();
    // the state, behind the name, is field 3
    let ticks: u64 = fields[first - 2].parse::<u64>()? + fields[first - 1].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
