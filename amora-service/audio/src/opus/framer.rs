//! Blocks of any length to packets' worth of sound.

/// Cuts a microphone's stream into packets' worth of sound. It keeps no more than the packet that is not whole yet: a
/// packet's first frame waits until its last one is there, 960 or 480 frames of delay in all, those included that a block
/// already took to come about.
#[derive(Debug)]
pub struct Framer {
    packet: Vec<f32>,
    /// Frames of the packet that are there.
    filled: usize,
}

impl Framer {
    /// For packets of `packet` frames; see [`Profile::packet`](super::Profile::packet).
    ///
    /// # Panics
    /// When `packet` is zero.
    pub fn new(packet: usize) -> Self {
        assert!(packet > 0, "a packet has frames");
        Self {
            packet: vec![0.0; packet],
            filled: 0,
        }
    }

    /// Takes mono samples off the front of `samples` until a packet is whole, and returns that; `None` once all are taken.
    pub fn fill(&mut self, samples: &mut &[f32]) -> Option<&[f32]> {
        let wanted = &mut self.packet[self.filled..];
        let (now, later) = samples.split_at(samples.len().min(wanted.len()));
        wanted[..now.len()].copy_from_slice(now);
        *samples = later;
        self.filled += now.len();
        if self.filled < self.packet.len() {
            return None;
        }
        self.filled = 0;
        Some(&self.packet)
    }

    /// Frames that the packet lacks.
    pub fn missing(&self) -> usize {
        self.packet.len() - self.filled
    }

    /// Forgets the packet that is not whole: what comes next does not follow it.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_length_become_packets_and_no_sample_is_lost_or_comes_twice() {
        let sound: Vec<f32> = (0..70 * 960 + 300).map(|n| n as f32).collect();
        let mut framer = Framer::new(960);
        let mut packets: Vec<f32> = Vec::new();
        let mut rest = &sound[..];
        for length in [480, 1, 959, 2000, 7].into_iter().cycle() {
            let (mut block, later) = rest.split_at(length.min(rest.len()));
            while let Some(packet) = framer.fill(&mut block) {
                assert_eq!(packet.len(), 960);
                packets.extend(packet);
            }
            assert!(block.is_empty());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(packets[..], sound[..70 * 960]);
        framer.clear();
        let again = framer.fill(&mut &sound[..960]).map(<[f32]>::to_vec);
        assert_eq!(again.as_deref(), Some(&sound[..960]), "the 300 are forgotten");
    }

    #[test]
    fn a_packet_is_there_with_its_last_frame() {
        let mut framer = Framer::new(480);
        for block in 0..4 {
            assert_eq!(framer.missing(), if block % 2 == 0 { 480 } else { 240 });
            let whole = framer.fill(&mut &[block as f32; 240][..]).is_some();
            assert_eq!(whole, block % 2 == 1);
        }
    }
}
