//! The same loop, compiled for several instruction sets and chosen at run time.
//!
//! Invariant: all variants run the same source with operations that IEEE 754 fixes, so they give the same bits;
//! only the width of a step differs. Nothing is contracted to fused operations (docs/adr/0013).

/// A loop without branches. `run` is always inlined, so that it is compiled with the instructions of its caller.
pub(crate) trait Kernel {
    fn run(self);
}

/// An instruction set that this machine has: a value of it exists only where that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Variant {
    /// What every machine of this architecture has.
    pub const BASELINE: Self = Self(Set::Baseline);

    /// The variants that this machine can run, the fastest last.
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "there is only one"))]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::BASELINE];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2() {
                all.push(Self(Set::Avx2));
            }
            if has_avx512() {
                all.push(Self(Set::Avx512));
            }
        }
        all
    }

    /// The fastest.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                return Self(Set::Avx512);
            }
            if has_avx2() {
                return Self(Set::Avx2);
            }
        }
        Self::BASELINE
    }

    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "a call into code for an instruction set that was seen to be there")
    )]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            Set::Baseline => kernel.run(),
            // SAFETY: only `all` and `best` make these, and only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { run_avx512(kernel) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn run_avx512<K: Kernel>(kernel: K) {
    kernel.run();
}
