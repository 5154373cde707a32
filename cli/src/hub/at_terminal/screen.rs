//! A terminal to test with: a pseudo-terminal, the program on it, and what a person sees.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Of a machine with other work.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program at its controlling terminal.
pub struct Terminal {
    child: Child,
    keys: File,
    out: Receiver<Vec<u8>>,
    /// Everything that was written to it.
    pub written: String,
}

impl Terminal {
    /// Starts it, as a shell at a terminal would.
    pub fn start(program: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).unwrap();
        let theirs: OwnedFd = ioctl_tiocgptpeer(&ours, flags).unwrap();
        let side = || Stdio::from(theirs.try_clone().unwrap());
        // A session of its own, whose terminal this is: Ctrl-C goes to the program.
        let mut child = Command::new("setsid");
        child.arg("--ctty").arg(program.get_program());
        child.args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => child.env(name, value),
                None => child.env_remove(name),
            };
        }
        child.stdin(side()).stdout(side()).stderr(side());
        let child = child.spawn();
        let child = child.expect("setsid is not here: apt-get install util-linux");
        drop(theirs);
        let keys = File::from(ours);
        let mut reader = keys.try_clone().unwrap();
        let (tell, out) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // Whoever had the terminal is gone when it cannot be read any more.
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                if tell.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            out,
            written: String::new(),
        }
    }

    /// Waits until this was written so many times.
    pub fn wait(&mut self, text: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        while self.written.matches(text).count() < times {
            let left = end.saturating_duration_since(Instant::now());
            match self.out.recv_timeout(left) {
                Ok(more) => self.written += &String::from_utf8_lossy(&more),
                Err(why) => panic!("{text:?} never came ({why}): {:?}", self.screen()),
            }
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the program's end.
    pub fn end(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.out.recv_timeout(left) {
                Ok(more) => self.written += &String::from_utf8_lossy(&more),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:?}", self.screen()),
            }
        }
    }

    /// What stands on the screen, line by line.
    pub fn screen(&self) -> Vec<String> {
        screen(&self.written)
    }

    /// Lines are typed as everywhere: seen while they are, and taken as a whole.
    pub fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.keys).unwrap().local_modes;
        let hides = self.written.matches("\u{1b}[?25l").count();
        let shows = self.written.matches("\u{1b}[?25h").count();
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG) && hides <= shows
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The lines that are left when all of it has been written: as much of a terminal as our output needs (ECMA-48).
fn screen(written: &str) -> Vec<String> {
    let mut rows = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut text = written.chars();
    while let Some(c) = text.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{8}' => column = column.saturating_sub(1),
            '\u{1b}' => {
                assert_eq!(text.next(), Some('['), "an unknown escape in {written:?}");
                let mut number = String::new();
                let last = text.by_ref().find(|c| {
                    number.push(*c);
                    c.is_ascii_alphabetic()
                });
                number.pop();
                let count = number.parse().unwrap_or(1);
                match last {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') if number == "2" => rows[row].clear(),
                    Some('K') => rows[row].truncate(column),
                    Some('J') => {
                        rows.truncate(row + 1);
                        rows[row].truncate(column);
                    }
                    Some('m' | 'h' | 'l') => {}
                    other => panic!("an unknown sequence {number}{other:?} in {written:?}"),
                }
            }
            c => {
                let line: &mut Vec<char> = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), Vec::new());
    }
    rows.iter().map(|row| row.iter().collect()).collect()
}
