//! A bounded queue that serves those who wait in it by turns, however much each has brought.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

pub struct FairQueue<K, T> {
    /// Those who wait, each with what they brought, never empty.
    waiting: HashMap<K, VecDeque<T>>,
    /// Each of those who wait, once; the next to be served in front.
    turns: VecDeque<K>,
    /// Who was served last: they move behind the others when the next is served, so that whoever came
    /// meanwhile goes first.
    last_served: Option<K>,
    length: usize,
    limit: usize,
    limit_each: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl<K: Copy + Eq + Hash, T> FairQueue<K, T> {
    /// For `limit` items in all, and `limit_each` from any one.
    pub fn new(limit: usize, limit_each: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            last_served: None,
            length: 0,
            limit,
            limit_each,
        }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn has_room_for(&self, one: &K) -> bool {
        let theirs = self.waiting.get(one).map_or(0, VecDeque::len);
        self.length < self.limit && theirs < self.limit_each
    }

    pub fn push(&mut self, from: K, item: T) -> Result<(), Full> {
        if !self.has_room_for(&from) {
            return Err(Full);
        }
        if !self.waiting.contains_key(&from) {
            self.turns.push_back(from);
        }
        self.waiting.entry(from).or_default().push_back(item);
        self.length += 1;
        Ok(())
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.turns.len() > 1 && self.turns.front() == self.last_served.as_ref() {
            self.turns.rotate_left(1);
        }
        let next = *self.turns.front()?;
        let theirs = self.waiting.get_mut(&next)?;
        let item = theirs.pop_front()?;
        if theirs.is_empty() {
            self.waiting.remove(&next);
            self.turns.pop_front();
        }
        self.last_served = Some(next);
        self.length -= 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(items: &[(char, u32)]) -> FairQueue<char, (char, u32)> {
        let mut queue = FairQueue::new(1_000, 1_000);
        for (from, count) in items {
            (0..*count).for_each(|i| queue.push(*from, (*from, i)).unwrap());
        }
        queue
    }

    fn served(queue: &mut FairQueue<char, (char, u32)>, count: usize) -> String {
        (0..count).map_while(|_| queue.pop()).map(|(from, _)| from).collect()
    }

    #[test]
    fn those_who_wait_are_served_by_turns() {
        let mut queue = filled(&[('a', 4), ('b', 2), ('c', 3)]);
        assert_eq!(served(&mut queue, 100), "abcabcaca");
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn what_one_brought_is_served_in_order() {
        let mut queue = filled(&[('a', 3)]);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [0, 1, 2].map(|i| Some(('a', i))));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_single_job_goes_before_the_next_of_sixty() {
        let mut queue = filled(&[('a', 60)]);
        assert_eq!(served(&mut queue, 1), "a");
        queue.push('b', ('b', 0)).unwrap();
        assert_eq!(served(&mut queue, 3), "baa");
    }

    #[test]
    fn a_single_job_waits_for_one_job_a_thread_at_most() {
        for threads in 1..=8 {
            let mut queue = filled(&[('a', 60)]);
            // Each thread is at work for `a` when `b` comes.
            served(&mut queue, threads);
            queue.push('b', ('b', 0)).unwrap();
            assert_eq!(served(&mut queue, 1), "b");
        }
    }

    #[test]
    fn newcomers_do_not_keep_those_who_wait_from_their_turn() {
        let mut queue = filled(&[('a', 1), ('b', 1)]);
        let mut order = String::new();
        for newcomer in 'c'..='h' {
            queue.push(newcomer, (newcomer, 0)).unwrap();
            order += &served(&mut queue, 1);
        }
        assert_eq!(order, "abcdef");
    }

    #[test]
    fn coming_again_at_once_wins_no_turn() {
        let mut queue = filled(&[('a', 1), ('b', 3)]);
        let mut order = String::new();
        for _ in 0..3 {
            order += &served(&mut queue, 2);
            queue.push('a', ('a', 0)).unwrap();
        }
        assert_eq!(order, "ababab");
    }

    #[test]
    fn the_queue_is_full_for_one_before_it_is_full_for_all() {
        let mut queue = FairQueue::new(3, 2);
        assert_eq!(queue.push('a', 1), Ok(()));
        assert_eq!(queue.push('a', 2), Ok(()));
        assert_eq!(queue.push('a', 3), Err(Full));
        assert_eq!(queue.push('b', 4), Ok(()));
        assert_eq!(queue.push('b', 5), Err(Full));
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.push('b', 6), Ok(()));
    }
}
