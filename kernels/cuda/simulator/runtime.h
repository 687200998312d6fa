// cudashim.h -- run CUDA C++ kernels on the CPU, one block at a time, with fibers.
// Force-included by cudashim.py (g++ -include cudashim.h file.cu).  Test tool, not a backend:
// it checks *logic and numerics* of the very .cu text that nvcc/NVRTC compiles for the GPU.
//
//  * every CUDA thread of a block is a fiber; __syncthreads() switches to the next thread
//  * __shared__ is `static` (blocks run one after the other, so one copy is the block's copy)
//  * warps are real: __shfl*/__ballot/__syncwarp/WMMA/mma.sync meet lane by lane
//  * threads are run in forward, reverse or shuffled order -> missing barriers give wrong sums
#pragma once
#define CUDASHIM 1
#define MINICNN_SIMULATOR 1
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#if !defined(__x86_64__) || defined(CUDASHIM_UCONTEXT)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

// ---------------------------------------------------------------- language
#define __global__
#define __device__
#define __host__
#define __constant__ static
#ifdef CUDASHIM_PLAIN_SHARED       // kernels that are C++ templates: GCC refuses a section for their statics
#define __shared__ static
#else
#define __shared__ static __attribute__((section("cudashmem")))
#endif
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {} };
#define CUDASHIM_VEC(T, N2, N3, N4)                                                     \
  struct alignas(2 * sizeof(T)) N2 { T x, y; }; struct N3 { T x, y, z; };               \
  struct alignas(4 * sizeof(T) > 16 ? 16 : 4 * sizeof(T)) N4 { T x, y, z, w; };         \
  inline N2 make_##N2(T x, T y) { return {x, y}; }                                      \
  inline N3 make_##N3(T x, T y, T z) { return {x, y, z}; }                              \
  inline N4 make_##N4(T x, T y, T z, T w) { return {x, y, z, w}; }
CUDASHIM_VEC(float, float2, float3, float4)
CUDASHIM_VEC(double, double2, double3, double4)
CUDASHIM_VEC(int, int2, int3, int4)
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// ---------------------------------------------------------------- fibers and scheduler
extern "C" unsigned char __start_cudashmem[] __attribute__((weak, visibility("hidden"))); extern "C" unsigned char __stop_cudashmem[] __attribute__((weak, visibility("hidden")));
namespace cudashim {
enum State : uint8_t { UNSTARTED, READY, RUNNING, AT_BARRIER, AT_WARP, DONE };
struct Pending { void* dst; const void* src; size_t n; bool fence; size_t zero = 0; };
struct Thr {
  uint3 tid{}; unsigned lin = 0, lane = 0, warp = 0;
  State state = UNSTARTED; int line = 0, site = 0; unsigned wmask = 0; unsigned fullops = 0;
  void* sp = nullptr; void* asan = nullptr; int fiber = -1;
  std::vector<Pending> async_;            // cp.async groups, done as late as allowed
  struct Wg { float* d; int n; uint64_t a, b; int keep; bool fence, f16; }; std::vector<Wg> wg_;
};
struct Warp { unsigned alive = 0, arrived = 0; alignas(16) unsigned char slot[2][32][16]; unsigned char scratch[16 * 16 * 4 * 3]; unsigned char vote[32]; };
inline constexpr size_t STACK = 96 * 1024;

struct Fib { char* stack = nullptr; void* sp = nullptr;
#if !defined(__x86_64__) || defined(CUDASHIM_UCONTEXT)
  ucontext_t uc;
#endif
};

static Thr* cur = nullptr;
static uint3 s_blockIdx, s_blockDim, s_gridDim;
static std::vector<Thr> thr; static std::vector<Warp> warps; static std::deque<Fib> fibs;
static std::vector<int> freefib; static std::vector<unsigned> order; static std::deque<unsigned> ready;
static unsigned next_unstarted = 0, done = 0, nthr = 0, at_barrier = 0;
alignas(1024) static unsigned char dyn[232448];     // H100/H200 opt-in maximum
static size_t dyn_size = 0;
static int order_mode = 0; static uint64_t rng = 0x9E3779B97F4A7C15ull;
static std::string err; static uint64_t n_switch = 0, n_barrier = 0;
static void (*body)(void*) = nullptr; static void* body_arg = nullptr;
static int bar_count = 0, bar_and = 1, bar_or = 0, bar_res_count = 0, bar_res_and = 0, bar_res_or = 0;

#if defined(__x86_64__) && !defined(CUDASHIM_UCONTEXT)
extern "C" void cudashim_switch(void** save, void* load) __asm__("cudashim_switch_");
__asm__(R"(
.text
.p2align 4
cudashim_switch_:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
static void* main_sp = nullptr;
static void fiber_main();
static void fiber_entry() { fiber_main(); __builtin_trap(); }
inline void* fresh(Fib& f) {
  if (!f.stack) f.stack = (char*)aligned_alloc(4096, STACK);
  uintptr_t top = ((uintptr_t)f.stack + STACK) & ~(uintptr_t)63;
  void** p = (void**)top; *--p = nullptr; *--p = (void*)&fiber_entry;   // 'ret' goes to fiber_entry, rsp%16==8
  for (int i = 0; i < 6; i++) *--p = nullptr;
  return p;
}
inline void swap_to(void** save, void* load) { n_switch++; cudashim_switch(save, load); }
#else
static ucontext_t main_uc; static void* main_sp = &main_uc;
static void fiber_main();
inline void* fresh(Fib& f) {
  if (!f.stack) f.stack = (char*)aligned_alloc(4096, STACK);
  getcontext(&f.uc); f.uc.uc_stack.ss_sp = f.stack; f.uc.uc_stack.ss_size = STACK; f.uc.uc_link = nullptr;
  makecontext(&f.uc, (void (*)())&fiber_main, 0); return &f.uc;
}
inline void swap_to(void** save, void* load) {
  n_switch++; ucontext_t* s = (save == &main_sp) ? &main_uc : (ucontext_t*)*save;
  swapcontext(s, (ucontext_t*)load);
}
#endif

inline void fail(const char* m, int line) { if (err.empty()) { char b[256];
  snprintf(b, sizeof b, "%s (line %d, block %u,%u,%u thread %u,%u,%u)", m, line, s_blockIdx.x, s_blockIdx.y, s_blockIdx.z,
           cur ? cur->tid.x : 0, cur ? cur->tid.y : 0, cur ? cur->tid.z : 0); err = b; } }

// choose what runs next; called on the blocking thread's own stack (or by main)
static void dispatch(void** save) {
  Thr* self = cur;
  for (;;) {
    if (!ready.empty()) {
      unsigned i = ready.front(); ready.pop_front(); Thr& t = thr[i];
      t.state = RUNNING; cur = &t; if (&t == self && save != &main_sp) return;
      swap_to(save, t.sp); break;
    }
    if (next_unstarted < nthr) {                          // give a fresh stack to the rest
      if (freefib.empty()) { fibs.emplace_back(); freefib.push_back((int)fibs.size() - 1); }
      int f = freefib.back(); freefib.pop_back();
      void* sp = fresh(fibs[f]); Thr& t = thr[order[next_unstarted]]; t.fiber = f; cur = nullptr;
      swap_to(save, sp); break;
    }
    if (save == &main_sp) return;
    swap_to(save, main_sp); break;
  }
  if (save != &main_sp) cur = self;
}
static void block_here() {
#if !defined(__x86_64__) || defined(CUDASHIM_UCONTEXT)
  cur->sp = &fibs[cur->fiber].uc;
#endif
  dispatch(&cur->sp);
}

static void warp_release(Warp& w, unsigned wi, unsigned mask) {
  w.arrived &= ~mask;
  unsigned base = wi * 32;
  for (unsigned l = 0; l < 32 && base + l < nthr; l++) if ((mask >> l) & 1) { Thr& t = thr[base + l];
    if (t.state == AT_WARP && t.wmask == mask) { t.state = READY; ready.push_back(base + l); } }
}
static void release_barrier() {
  int line = -1, site = 0; bool mixed = false;
  for (unsigned i = 0; i < nthr; i++) { Thr& t = thr[order[i]]; if (t.state != AT_BARRIER) continue;
    if (line < 0) { line = t.line; site = t.site; } else if (site != t.site) mixed = true;
    t.state = READY; ready.push_back(order[i]); }
  if (mixed) fail("__syncthreads reached at different places by threads of one block", line);
  bar_res_count = bar_count; bar_res_and = bar_and; bar_res_or = bar_or; bar_count = 0; bar_and = 1; bar_or = 0;
  at_barrier = 0; n_barrier++;
}
static void fiber_main() {                                // runs threads that were not started yet, one after the other
  int myfib = thr[order[next_unstarted]].fiber;
  while (next_unstarted < nthr) {
    Thr& t = thr[order[next_unstarted++]]; t.fiber = myfib; t.state = RUNNING; cur = &t;
    body(body_arg);
    cur = &t; t.state = DONE; done++; Warp& w = warps[t.warp]; w.alive &= ~(1u << t.lane);
    if (!t.async_.empty()) { fail("cp.async copies never waited for", 0); t.async_.clear(); }
    if (!t.wg_.empty()) { fail("wgmma never waited for", 0); t.wg_.clear(); }
    if (w.arrived && w.alive) for (unsigned l = 0; l < 32; l++) if ((w.arrived >> l) & 1) {
      fail("warp primitive waits for a lane that has returned", thr[t.warp * 32 + l].line);
      unsigned m = thr[t.warp * 32 + l].wmask; if ((w.arrived & m) == (m & w.alive)) warp_release(w, t.warp, m); break; }
  }
  freefib.push_back(myfib);
  void* dead = nullptr; 
#if !defined(__x86_64__) || defined(CUDASHIM_UCONTEXT)
  dead = &fibs[myfib].uc;
#endif
  cur = nullptr;
  // nothing left to start: hand over to a ready thread or to main
  if (!ready.empty()) { unsigned i = ready.front(); ready.pop_front(); thr[i].state = RUNNING; cur = &thr[i]; swap_to(&dead, thr[i].sp); }
  else swap_to(&dead, main_sp);
}
inline void sync(int line, int site) {
  cur->state = AT_BARRIER; cur->line = line; cur->site = site; at_barrier++;
  if (at_barrier + done == nthr && ready.empty() && next_unstarted == nthr) release_barrier();
  block_here();
}
inline void warp_sync(unsigned mask, int line) {
  Thr& t = *cur; Warp& w = warps[t.warp]; t.line = line;
  if (!((mask >> t.lane) & 1)) { fail("warp primitive: calling lane is not in its mask", line); return; }
  mask &= (nthr - t.warp * 32 >= 32) ? ~0u : ((1u << (nthr - t.warp * 32)) - 1);
  w.arrived |= 1u << t.lane;
  if ((w.arrived & mask) == (mask & w.alive)) { warp_release(w, t.warp, mask); return; }
  t.state = AT_WARP; t.wmask = mask; block_here();
}
static bool run_block() {
  const unsigned n = nthr; done = 0; next_unstarted = 0; at_barrier = 0; ready.clear();
  for (unsigned i = 0; i < n; i++) { Thr& t = thr[i]; t.state = UNSTARTED; t.async_.clear(); t.wg_.clear(); t.fullops = 0; }
  for (auto& w : warps) { w.alive = 0; w.arrived = 0; }
  for (unsigned i = 0; i < n; i++) warps[i / 32].alive |= 1u << (i % 32);
  if (order_mode == 2) for (unsigned i = n; i > 1; i--) { rng ^= rng << 13; rng ^= rng >> 7; rng ^= rng << 17; std::swap(order[i - 1], order[rng % i]); }
  while (done < n) {
    cur = nullptr; dispatch(&main_sp);
    if (done == n) break;
    if (ready.empty() && next_unstarted == n) {
      if (at_barrier && at_barrier + done == n) release_barrier();
      else { fail("deadlock: some threads wait at __syncthreads, others at a warp primitive", 0); return false; }
    }
  }
  return err.empty();
}
template <class... A, size_t... I> void call(void (*f)(A...), void** a, std::index_sequence<I...>) { f(*(std::remove_reference_t<A>*)a[I]...); }
template <class... A> int launch(void (*f)(A...), const unsigned* gb, size_t shmem, void** args) {
  struct C { void (*f)(A...); void** a; } c{f, args};
  body = [](void* p) { C* c = (C*)p; call(c->f, c->a, std::index_sequence_for<A...>{}); }; body_arg = &c;
  s_gridDim = {gb[0], gb[1], gb[2]}; s_blockDim = {gb[3], gb[4], gb[5]}; err.clear();
  unsigned n = gb[3] * gb[4] * gb[5];
  if (n == 0 || n > 1024) { err = "block has 0 or more than 1024 threads"; return 1; }
  if (shmem > sizeof dyn) { err = "more dynamic shared memory than an H100 block can have"; return 1; }
  size_t st = &__start_cudashmem[0] ? __stop_cudashmem - __start_cudashmem : 0; (void)st;
  if (nthr != n || thr.size() != n) { thr.assign(n, Thr()); warps.assign((n + 31) / 32, Warp()); }
  order.resize(n); nthr = n; dyn_size = shmem;
  for (unsigned i = 0; i < n; i++) { order[i] = order_mode == 1 ? n - 1 - i : i; Thr& t = thr[i]; t.lin = i; t.lane = i % 32; t.warp = i / 32;
    t.tid = {i % gb[3], (i / gb[3]) % gb[4], i / (gb[3] * gb[4])}; }
  freefib.clear(); for (int i = (int)fibs.size() - 1; i >= 0; i--) freefib.push_back(i);
  for (unsigned z = 0; z < gb[2]; z++) for (unsigned y = 0; y < gb[1]; y++) for (unsigned x = 0; x < gb[0]; x++) {
    s_blockIdx = {x, y, z};
    memset(dyn, 0xFF, shmem);                               // NaN poison: no stale shared memory from the block before
    if (&__start_cudashmem[0]) memset(__start_cudashmem, 0xFF, __stop_cudashmem - __start_cudashmem);
    if (!run_block()) return 1;
  }
  return 0;
}
template <class... A> const char* sig(void (*)(A...)) {
  static std::string s; s.clear();
  ((s += std::is_pointer_v<A> ? 'p' : std::is_floating_point_v<A> ? 'f' : std::is_integral_v<A> ? (std::is_signed_v<A> ? 'i' : 'u') : 's', s += std::to_string(sizeof(A)), s += ','), ...);
  return s.c_str();
}
template <class T> T shfl_from(T v, unsigned src, unsigned mask, int line) {
  static_assert(sizeof(T) <= 16); Thr& t = *cur; Warp& w = warps[t.warp];
  unsigned b = mask == ~0u ? (t.fullops++ & 1) : 0;
  memcpy(w.slot[b][t.lane], &v, sizeof v); warp_sync(mask, line);
  T r; memcpy(&r, w.slot[b][src & 31], sizeof r);
  if (mask != ~0u) warp_sync(mask, line);
  return r;
}
}  // namespace cudashim

#define threadIdx (cudashim::cur->tid)
#define blockIdx (cudashim::s_blockIdx)
#define blockDim (cudashim::s_blockDim)
#define gridDim (cudashim::s_gridDim)
inline constexpr int warpSize = 32;
#define __syncthreads() cudashim::sync(__LINE__, __COUNTER__)
#define __syncwarp(...) cudashim::warp_sync(cudashim::mask_or_full(__VA_ARGS__), __LINE__)
namespace cudashim { inline unsigned mask_or_full(unsigned m = ~0u) { return m; } }
inline int __syncthreads_count_(int p, int l, int s) { cudashim::bar_count += p != 0; cudashim::sync(l, s); return cudashim::bar_res_count; }
inline int __syncthreads_and_(int p, int l, int s) { cudashim::bar_and &= p != 0; cudashim::sync(l, s); return cudashim::bar_res_and; }
inline int __syncthreads_or_(int p, int l, int s) { cudashim::bar_or |= p != 0; cudashim::sync(l, s); return cudashim::bar_res_or; }
#define __syncthreads_count(p) __syncthreads_count_(p, __LINE__, __COUNTER__)
#define __syncthreads_and(p) __syncthreads_and_(p, __LINE__, __COUNTER__)
#define __syncthreads_or(p) __syncthreads_or_(p, __LINE__, __COUNTER__)
inline void __threadfence() {} inline void __threadfence_block() {}

// ---------------------------------------------------------------- warp primitives
template <class T> T cudashim_shfl(unsigned m, T v, int src, int w, int l) { unsigned lane = cudashim::cur->lane; return cudashim::shfl_from(v, (lane & ~(w - 1)) | (src & (w - 1)), m, l); }
template <class T> T cudashim_shfl_xor(unsigned m, T v, int x, int w, int l) { unsigned lane = cudashim::cur->lane, s = lane ^ x; return cudashim::shfl_from(v, (s / w == lane / w) ? s : lane, m, l); }
template <class T> T cudashim_shfl_down(unsigned m, T v, unsigned d, int w, int l) { unsigned lane = cudashim::cur->lane, s = lane + d; return cudashim::shfl_from(v, (lane % w + d < (unsigned)w) ? s : lane, m, l); }
template <class T> T cudashim_shfl_up(unsigned m, T v, unsigned d, int w, int l) { unsigned lane = cudashim::cur->lane; return cudashim::shfl_from(v, (lane % w >= d) ? lane - d : lane, m, l); }
#define CUDASHIM_W(...) CUDASHIM_W_(__VA_ARGS__, 32, 32)
#define __shfl_sync(m, v, s, ...) cudashim_shfl(m, v, s, cudashim::width(__VA_ARGS__), __LINE__)
#define __shfl_xor_sync(m, v, s, ...) cudashim_shfl_xor(m, v, s, cudashim::width(__VA_ARGS__), __LINE__)
#define __shfl_down_sync(m, v, s, ...) cudashim_shfl_down(m, v, s, cudashim::width(__VA_ARGS__), __LINE__)
#define __shfl_up_sync(m, v, s, ...) cudashim_shfl_up(m, v, s, cudashim::width(__VA_ARGS__), __LINE__)
namespace cudashim { inline int width(int w = 32) { return w; }
inline unsigned ballot(unsigned m, int p, int l) { Thr& t = *cur; Warp& w = warps[t.warp]; w.vote[t.lane] = p != 0; warp_sync(m, l);
  unsigned r = 0; for (int i = 0; i < 32; i++) if ((m >> i) & 1 && w.vote[i]) r |= 1u << i; warp_sync(m, l); return r; } }
#define __ballot_sync(m, p) cudashim::ballot(m, p, __LINE__)
#define __any_sync(m, p) (cudashim::ballot(m, p, __LINE__) != 0)
#define __all_sync(m, p) (cudashim::ballot(m, !(p), __LINE__) == 0)
inline unsigned __activemask() { return ~0u; }

// ---------------------------------------------------------------- atomics (one OS thread: plain read-modify-write is atomic)
template <class T> using nd_ = std::common_type_t<T>;
template <class T> T atomicAdd(T* p, nd_<T> v) { T o = *p; *p = o + v; return o; }
template <class T> T atomicSub(T* p, nd_<T> v) { T o = *p; *p = o - v; return o; }
template <class T> T atomicMax(T* p, nd_<T> v) { T o = *p; if (v > o) *p = v; return o; }
template <class T> T atomicMin(T* p, nd_<T> v) { T o = *p; if (v < o) *p = v; return o; }
template <class T> T atomicExch(T* p, nd_<T> v) { T o = *p; *p = v; return o; }
template <class T> T atomicCAS(T* p, nd_<T> c, nd_<T> v) { T o = *p; if (o == c) *p = v; return o; }
template <class T> T atomicOr(T* p, nd_<T> v) { T o = *p; *p = o | v; return o; }
template <class T> T atomicAnd(T* p, nd_<T> v) { T o = *p; *p = o & v; return o; }

// ---------------------------------------------------------------- intrinsics and math
template <class T> inline T __ldg(const T* p) { return *p; }
template <class T> inline T __ldcs(const T* p) { return *p; }
template <class T> inline void __stcs(T* p, T v) { *p = v; }
inline float __int_as_float(int i) { float f; memcpy(&f, &i, 4); return f; }
inline float __uint_as_float(unsigned i) { float f; memcpy(&f, &i, 4); return f; }
inline int __float_as_int(float f) { int i; memcpy(&i, &f, 4); return i; }
inline unsigned __float_as_uint(float f) { unsigned i; memcpy(&i, &f, 4); return i; }
#define __expf(x) expf(x)
#define __logf(x) logf(x)
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.f / a; }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline double rsqrt(double x) { return 1. / std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
using std::max; using std::min;
inline int min(int a, unsigned b) { return (unsigned)a < b ? a : (int)b; }
inline long long clock64() { return 0; }

// ---------------------------------------------------------------- half and bfloat16
namespace cudashim {
inline uint16_t f2bf(float f) { uint32_t u; memcpy(&u, &f, 4); if ((u & 0x7fffffff) > 0x7f800000) return (u >> 16) | 64; return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16); }
inline float bf2f(uint16_t h) { uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f; }
inline uint16_t f2h(float f) { uint32_t x; memcpy(&x, &f, 4); uint32_t s = (x >> 16) & 0x8000, a = x & 0x7fffffff;
  if (a > 0x7f800000) return s | 0x7e00; if (a >= 0x477ff000) return s | 0x7c00;
  if (a < 0x38800000) { if (a < 0x33000000) return s; float m; uint32_t t = a; memcpy(&m, &t, 4); int r = (int)std::nearbyint(m * 16777216.f); return s | r; }
  uint32_t m = a - 0x38000000; return s | ((m + 0xfff + ((m >> 13) & 1)) >> 13); }
inline float h2f(uint16_t h) { uint32_t s = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 1023; float f;
  if (e == 0) { f = m / 16777216.f; return s ? -f : f; } uint32_t u = e == 31 ? (s | 0x7f800000 | (m << 13)) : (s | ((e + 112) << 23) | (m << 13)); memcpy(&f, &u, 4); return f; }
inline float tf32(float f) { uint32_t u; memcpy(&u, &f, 4); u &= 0xffffe000u; memcpy(&f, &u, 4); return f; }   // the tensor core drops the low 13 bits
}
inline float float_of_half(unsigned short h) { return cudashim::h2f(h); } inline unsigned short half_of_float(float f) { return cudashim::f2h(f); }
struct __half { uint16_t v; __half() = default; __half(float f) : v(cudashim::f2h(f)) {} operator float() const { return cudashim::h2f(v); } };
struct __nv_bfloat16 { uint16_t v; __nv_bfloat16() = default; __nv_bfloat16(float f) : v(cudashim::f2bf(f)) {} operator float() const { return cudashim::bf2f(v); } };
using half = __half; using nv_bfloat16 = __nv_bfloat16;
struct alignas(4) __half2 { __half x, y; }; struct alignas(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
using half2 = __half2;
inline __half __float2half(float f) { return __half(f); } inline __half __float2half_rn(float f) { return __half(f); }
inline float __half2float(__half h) { return h; }
inline __nv_bfloat16 __float2bfloat16(float f) { return __nv_bfloat16(f); } inline __nv_bfloat16 __float2bfloat16_rn(float f) { return __nv_bfloat16(f); }
inline float __bfloat162float(__nv_bfloat16 h) { return h; }
inline __half2 __floats2half2_rn(float a, float b) { return {__half(a), __half(b)}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {__nv_bfloat16(a), __nv_bfloat16(b)}; }

// ---------------------------------------------------------------- cp.async (cuda_pipeline.h): performed as late as the waits allow
inline void __pipeline_memcpy_async(void* d, const void* s, size_t n, size_t zfill = 0) { (void)zfill; cudashim::cur->async_.push_back({d, s, n, false}); }
inline void __pipeline_commit() { cudashim::cur->async_.push_back({nullptr, nullptr, 0, true}); }
inline void __pipeline_wait_prior(int keep) { auto& q = cudashim::cur->async_; int groups = 0; for (auto& p : q) groups += p.fence;
  size_t i = 0; int run = groups - keep; for (; i < q.size() && run > 0; i++) { if (q[i].fence) run--; else { if (q[i].n) memcpy(q[i].dst, q[i].src, q[i].n); memset((char*)q[i].dst + q[i].n, 0, q[i].zero); } } q.erase(q.begin(), q.begin() + i); }

// ---------------------------------------------------------------- tensor cores
namespace cudashim {
// D(16x8) = A(16xK) B(Kx8) + C, register layouts as the PTX ISA gives them for mma.sync.aligned.m16n8k*.row.col
template <int K, class LD> inline void mma_16x8(float (&d)[4], const unsigned* a, int na, const unsigned* b, int nb, const float (&c)[4], LD ld, int line) {
  Thr& t = *cur; Warp& w = warps[t.warp]; float* A = (float*)w.scratch; float* B = A + 16 * 16; float* C = B + 16 * 8;
  int g = t.lane >> 2, q = t.lane & 3; const int per = K * 16 / 32 / na;      // values per register: 1 (tf32) or 2 (16-bit)
  for (int r = 0; r < na; r++) for (int e = 0; e < per; e++) { int row = g + (r & 1) * 8, col = (r >> 1) * (K / 2) + q * per + e; A[row * K + col] = ld(a[r], e); }
  for (int r = 0; r < nb; r++) for (int e = 0; e < per; e++) { int k = r * (K / 2) + q * per + e; B[k * 8 + g] = ld(b[r], e); }
  for (int i = 0; i < 4; i++) C[(g + (i >> 1) * 8) * 8 + q * 2 + (i & 1)] = c[i];
  warp_sync(~0u, line);
  float o[4]; for (int i = 0; i < 4; i++) { int row = g + (i >> 1) * 8, col = q * 2 + (i & 1); float s = C[row * 8 + col]; for (int k = 0; k < K; k++) s += A[row * K + k] * B[k * 8 + col]; o[i] = s; }
  warp_sync(~0u, line);
  for (int i = 0; i < 4; i++) d[i] = o[i];
}
inline float ld_bf16(unsigned r, int e) { return bf2f((uint16_t)(r >> (16 * e))); }
inline float ld_f16(unsigned r, int e) { return h2f((uint16_t)(r >> (16 * e))); }
inline float ld_tf32(unsigned r, int) { return tf32(__uint_as_float(r)); }
}
#define CUDASHIM_MMA 1
inline void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { float c[4] = {d[0], d[1], d[2], d[3]}; cudashim::mma_16x8<16>(d, a, 4, b, 2, c, cudashim::ld_bf16, 0); }
inline void mma_m16n8k16_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { float c[4] = {d[0], d[1], d[2], d[3]}; cudashim::mma_16x8<16>(d, a, 4, b, 2, c, cudashim::ld_f16, 0); }
inline void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { float c[4] = {d[0], d[1], d[2], d[3]}; cudashim::mma_16x8<8>(d, a, 4, b, 2, c, cudashim::ld_tf32, 0); }
// ldmatrix .x4 (non-transposed / transposed): lane i gives the address of row i%8 of 8x8 matrix i/8
inline void ldmatrix_x4_(unsigned (&r)[4], const void* p, bool trans) {
  auto& t = *cudashim::cur; const uint16_t* mine = (const uint16_t*)p; const uint16_t* row[32];
  for (int i = 0; i < 32; i++) row[i] = cudashim::shfl_from(mine, i, ~0u, 0);
  int g = t.lane >> 2, q = (t.lane & 3) * 2;
  for (int m = 0; m < 4; m++) r[m] = trans ? (row[m * 8 + q][g] | ((unsigned)row[m * 8 + q + 1][g] << 16)) : (row[m * 8 + g][q] | ((unsigned)row[m * 8 + g][q + 1] << 16));
}
inline void ldmatrix_x4(unsigned (&r)[4], const void* p) { ldmatrix_x4_(r, p, false); }
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* p) { ldmatrix_x4_(r, p, true); }
// The names of kernels/cuda/tensor_core.cuh.
inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_m16n8k16_bf16(d, a, b); }
inline void mma_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_m16n8k16_f16(d, a, b); }
inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_m16n8k8_tf32(d, a, b); }
inline void copy_async_16(void* shared, const void* global, int valid_bytes);
inline void copy_async_16_cached(void* shared, const void* global, int valid_bytes) { copy_async_16(shared, global, valid_bytes); }
inline void copy_async_16(void* shared, const void* global, int valid_bytes) { cudashim::cur->async_.push_back({shared, global, (size_t)valid_bytes, false, (size_t)(16 - valid_bytes)}); }
inline unsigned round_tf32(unsigned u) { if ((u & 0x7f800000) == 0x7f800000) return u; return (u + 0x1000) & 0xffffe000u; }
inline void copy_async_commit() { __pipeline_commit(); }
template <int N> inline void copy_async_wait() { __pipeline_wait_prior(N); }

// ---- wgmma (sm_90a), both operands in shared memory, K-major.  Done as late as wgmma.wait_group allows.
namespace cudashim {
inline unsigned to_shared(const void* p) { auto c = (const unsigned char*)p; if (c >= dyn && c < dyn + sizeof dyn) return c - dyn;
  if (&__start_cudashmem[0] && c >= __start_cudashmem && c < __stop_cudashmem) return sizeof dyn + (c - __start_cudashmem); fail("address is not in shared memory", 0); return 0; }
inline unsigned char* from_shared(unsigned a) { return a < sizeof dyn ? dyn + a : __start_cudashmem + (a - sizeof dyn); }
inline uint16_t desc_elem(uint64_t d, int row, int k) {                  // matrix descriptor of the PTX ISA; 16-bit elements
  unsigned addr = (d & 0x3fff) << 4, lbo = ((d >> 16) & 0x3fff) << 4, sbo = ((d >> 32) & 0x3fff) << 4, sw = (d >> 62) & 3, a;
  if (sw == 0) a = addr + row / 8 * sbo + k / 8 * lbo + row % 8 * 16 + k % 8 * 2;
  else { unsigned W = sw == 1 ? 128 : sw == 2 ? 64 : 32, bits = sw == 1 ? 7 : sw == 2 ? 3 : 1; a = addr + row / 8 * sbo + row % 8 * W + k * 2; a ^= ((a >> 7) & bits) << 4; }
  return *(uint16_t*)from_shared(a); }
inline void wgmma_do(const Thr::Wg& g) { Thr& t = *cur; int w = t.lin / 32 % 4, gr = t.lane >> 2, q = t.lane & 3;
  for (int i = 0; i < g.n / 2; i++) { int row = w * 16 + gr + (i >> 1 & 1) * 8, col = i / 4 * 8 + q * 2 + (i & 1); float s = g.keep ? g.d[i] : 0.f;
    for (int k = 0; k < 16; k++) { uint16_t x = desc_elem(g.a, row, k), y = desc_elem(g.b, col, k); s += g.f16 ? h2f(x) * h2f(y) : bf2f(x) * bf2f(y); } g.d[i] = s; } }
}
inline size_t __cvta_generic_to_shared(const void* p) { return cudashim::to_shared(p); }
template <int N> inline void wgmma_m64k16_bf16(float (&d)[N / 2], uint64_t a, uint64_t b, int keep) { cudashim::cur->wg_.push_back({d, N, a, b, keep, false, false}); }
inline void wgmma_fence() {} inline void fence_proxy_async() {}
inline void wgmma_commit() { cudashim::cur->wg_.push_back({nullptr, 0, 0, 0, 0, true, false}); }
template <int KEEP> inline void wgmma_wait() { auto& q = cudashim::cur->wg_; int groups = 0; for (auto& g : q) groups += g.fence; int run = groups - KEEP; size_t i = 0;
  for (; i < q.size() && run > 0; i++) { if (q[i].fence) run--; else cudashim::wgmma_do(q[i]); } q.erase(q.begin(), q.begin() + i); }

namespace nvcuda { namespace wmma {
struct matrix_a; struct matrix_b; struct accumulator; struct row_major; struct col_major;
enum layout_t { mem_row_major, mem_col_major };
namespace precision { struct tf32; }
template <class T> struct store_ { using type = T; }; template <> struct store_<precision::tf32> { using type = float; };
template <class U, int M, int N, int K, class T, class L = void> struct fragment {
  static constexpr int R = std::is_same_v<U, matrix_b> ? K : M, C = std::is_same_v<U, matrix_a> ? K : N;
  static constexpr int num_elements = R * C / 32; using S = typename store_<T>::type; S x[num_elements];
};
template <class F, class V> void fill_fragment(F& f, V v) { for (auto& e : f.x) e = v; }
inline float __float_to_tf32(float f) { uint32_t u; memcpy(&u, &f, 4); u = (u + 0x1000) & 0xffffe000u; memcpy(&f, &u, 4); return f; }
template <class U, int M, int N, int K, class T, class L, class P> void load_matrix_sync(fragment<U, M, N, K, T, L>& f, const P* p, unsigned ld) {
  using F = fragment<U, M, N, K, T, L>; cudashim::warp_sync(~0u, __LINE__);
  for (int i = 0; i < F::num_elements; i++) { int e = cudashim::cur->lane * F::num_elements + i, r = e / F::C, c = e % F::C; f.x[i] = std::is_same_v<L, col_major> ? p[c * ld + r] : p[r * ld + c]; } }
template <int M, int N, int K, class T> void load_matrix_sync(fragment<accumulator, M, N, K, T>& f, const T* p, unsigned ld, layout_t o) {
  using F = fragment<accumulator, M, N, K, T>; cudashim::warp_sync(~0u, __LINE__);
  for (int i = 0; i < F::num_elements; i++) { int e = cudashim::cur->lane * F::num_elements + i, r = e / N, c = e % N; f.x[i] = o == mem_col_major ? p[c * ld + r] : p[r * ld + c]; } }
template <int M, int N, int K, class T> void store_matrix_sync(T* p, const fragment<accumulator, M, N, K, T>& f, unsigned ld, layout_t o) {
  using F = fragment<accumulator, M, N, K, T>;
  for (int i = 0; i < F::num_elements; i++) { int e = cudashim::cur->lane * F::num_elements + i, r = e / N, c = e % N; (o == mem_col_major ? p[c * ld + r] : p[r * ld + c]) = f.x[i]; }
  cudashim::warp_sync(~0u, __LINE__); }
template <int M, int N, int K, class TA, class LA, class LB, class TC>
void mma_sync(fragment<accumulator, M, N, K, TC>& d, const fragment<matrix_a, M, N, K, TA, LA>& a, const fragment<matrix_b, M, N, K, TA, LB>& b, const fragment<accumulator, M, N, K, TC>& c) {
  auto& t = *cudashim::cur; auto& w = cudashim::warps[t.warp]; float* A = (float*)w.scratch; float* B = A + M * K; constexpr bool tf = std::is_same_v<TA, precision::tf32>;
  constexpr int nc = M * N / 32; for (int i = 0; i < M * K / 32; i++) { float v = a.x[i]; A[t.lane * (M * K / 32) + i] = tf ? cudashim::tf32(v) : v; }
  for (int i = 0; i < K * N / 32; i++) { float v = b.x[i]; B[t.lane * (K * N / 32) + i] = tf ? cudashim::tf32(v) : v; }
  cudashim::warp_sync(~0u, __LINE__);
  for (int i = 0; i < nc; i++) { int e = t.lane * nc + i, r = e / N, cc = e % N; float s = c.x[i]; for (int k = 0; k < K; k++) s += A[r * K + k] * B[k * N + cc]; d.x[i] = s; }
  cudashim::warp_sync(~0u, __LINE__);
}
}}  // namespace nvcuda::wmma

// ---------------------------------------------------------------- C entry points
#define CUDASHIM_LIBRARY                                                                                            \
  extern "C" const char* cudashim_error() { return cudashim::err.c_str(); }                                         \
  extern "C" void cudashim_order(int m, unsigned long long s) { cudashim::order_mode = m; cudashim::rng = s * 2654435761ull + 88172645463325252ull; } \
  extern "C" void cudashim_stats(unsigned long long* o) { o[0] = cudashim::n_switch; o[1] = cudashim::n_barrier; }
#define CUDASHIM_KERNEL(k)                                                                                          \
  extern "C" int cudashim_launch_##k(const unsigned* gb, size_t sh, void** a) { return cudashim::launch(k, gb, sh, a); } \
  extern "C" const char* cudashim_sig_##k() { return cudashim::sig(k); }
