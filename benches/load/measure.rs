//! Repeating something on many threads for a while, and what that shows.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::server::Server;

pub struct Figures {
    /// Times of single calls, sorted.
    times: Vec<Duration>,
    elapsed: Duration,
    /// The server's; none for what runs in this process.
    cpu: Option<Duration>,
}

/// Runs what `worker` makes, once on each of `threads` threads, again and again for `seconds`.
pub fn repeat<W: FnMut()>(
    threads: usize,
    seconds: Duration,
    server: Option<&Server>,
    worker: impl Fn(usize) -> W + Sync,
) -> Figures {
    let (stop, barrier) = (AtomicBool::new(false), Barrier::new(threads + 1));
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|index| {
                let (worker, stop, barrier) = (&worker, &stop, &barrier);
                scope.spawn(move || {
                    let mut work = worker(index);
                    let mut times = Vec::with_capacity(100_000);
                    barrier.wait();
                    while !stop.load(Ordering::Relaxed) {
                        let started = Instant::now();
                        work();
                        times.push(started.elapsed());
                    }
                    times
                })
            })
            .collect();
        barrier.wait();
        let (started, cpu) = (Instant::now(), server.map(Server::cpu));
        std::thread::sleep(seconds);
        stop.store(true, Ordering::Relaxed);
        let mut times: Vec<Duration> =
            handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect();
        let elapsed = started.elapsed();
        let cpu = cpu.zip(server).map(|(before, server)| server.cpu() - before);
        times.sort_unstable();
        Figures { times, elapsed, cpu }
    })
}

impl Figures {
    pub fn heading() {
        println!(
            "\n{:38} {:>9} {:>9} {:>9} {:>9} {:>9}  ratio",
            "", "per s", "p50 ms", "p99 ms", "p99.9 ms", "CPU s/k"
        );
    }

    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let index = ((self.times.len() - 1) as f64 * share).round() as usize;
        self.times[index].as_secs_f64() * 1_000.0
    }

    /// Prints a line; `ratio` says what is compared to what.
    pub fn print(&self, name: &str, ratio: &str) {
        let cpu = self.cpu.map_or_else(String::new, |cpu| {
            format!("{:.3}", cpu.as_secs_f64() * 1_000.0 / self.times.len() as f64)
        });
        println!(
            "{name:38} {:9.0} {:9.3} {:9.3} {:9.3} {cpu:>9}  {ratio}",
            self.per_second(),
            self.percentile(0.5),
            self.percentile(0.99),
            self.percentile(0.999),
        );
    }

    /// Prints a line with the throughput as a share of `bound`'s.
    pub fn print_against(&self, name: &str, bound: &Self) {
        self.print(name, &format!("{:.2} of the bound", self.per_second() / bound.per_second()));
    }
}
