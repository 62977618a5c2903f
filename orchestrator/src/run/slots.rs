//! Device slots: as many jobs at once as there are, and never more than the memory holds. A slot is a device, or several
//! that work on one job together.

use crate::device::DeviceGroup;

/// The places that jobs can run in.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    /// Threads of each job on the CPU; `None`: all.
    threads: Option<usize>,
}

#[derive(Debug)]
struct Slot {
    device: DeviceGroup,
    /// Bytes that the job in it is expected to hold at the most.
    taken: Option<u64>,
}

/// A slot by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize);

impl Slots {
    /// `jobs` slots on each device; the jobs of one machine share `cores` evenly.
    pub fn new(devices: &[DeviceGroup], jobs: usize, cores: usize) -> Self {
        let slots: Vec<Slot> = (0..jobs)
            .flat_map(|_| devices)
            .map(|device| Slot {
                device: device.clone(),
                taken: None,
            })
            .collect();
        let threads = (slots.len() > 1).then(|| (cores / slots.len()).max(1));
        Self { slots, threads }
    }

    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    pub fn device(&self, place: Place) -> &DeviceGroup {
        &self.slots[place.0].device
    }

    pub fn is_idle(&self) -> bool {
        self.slots.iter().all(|slot| slot.taken.is_none())
    }

    /// A slot for a job that is expected to hold `memory` bytes while `available` can be had. A job that is alone may
    /// always try.
    pub fn free(&self, memory: u64, available: u64) -> Option<Place> {
        if !self.is_idle() && memory > available {
            return None;
        }
        self.slots.iter().position(|slot| slot.taken.is_none()).map(Place)
    }

    pub fn take(&mut self, place: Place, memory: u64) {
        self.slots[place.0].taken = Some(memory);
    }

    pub fn give_back(&mut self, place: Place) {
        self.slots[place.0].taken = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_share_the_cores_and_are_as_many_as_devices_times_jobs() {
        let two = ["cuda:0", "cuda:1+cuda:2"].map(|name| name.parse::<DeviceGroup>().unwrap());
        let mut slots = Slots::new(&two, 2, 16);
        assert_eq!(slots.threads(), Some(4));
        let mut devices = Vec::new();
        while let Some(place) = slots.free(0, 0) {
            devices.push(slots.device(place).clone());
            slots.take(place, 0);
        }
        assert_eq!(devices, [two.clone(), two].concat());
        assert_eq!(Slots::new(&[DeviceGroup::default()], 1, 2).threads(), None);
        assert_eq!(Slots::new(&[DeviceGroup::default()], 4, 2).threads(), Some(1));
    }

    #[test]
    fn a_job_waits_for_memory_unless_it_is_alone() {
        let mut slots = Slots::new(&[DeviceGroup::default()], 2, 2);
        let first = slots.free(100, 50).unwrap();
        slots.take(first, 100);
        assert_eq!(slots.free(100, 50), None);
        assert!(slots.free(40, 50).is_some());
        slots.give_back(first);
        assert!(slots.is_idle());
    }
}
