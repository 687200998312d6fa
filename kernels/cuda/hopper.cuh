// The tensor cores of Hopper (compute capability 9.0): a warpgroup, four warps together, multiplies a 64 x K by a K x N matrix which both lie in shared memory, while
// its threads go on. (PTX manual, "Asynchronous warpgroup level matrix instructions".) In the simulator, functions of the same names take their place.
//
// Of the 64 x N results a thread has N / 2: number i is in row 16 w + g + 8 (i / 2 % 2), column 8 (i / 4) + 2q + i % 2, for warp w of the group, g = lane / 4
// and q = lane % 4.
#pragma once

constexpr int STAGES = 3;          // buffers in shared memory (HOPPER_STAGES of conv_product.py): while one is multiplied,
constexpr int AHEAD = STAGES - 1;  // so many are filled

#ifndef MINICNN_SIMULATOR

// How the instruction finds a factor in shared memory: rows of 128 bytes, whose eight pieces of 16 bytes have changed places (piece c of row r at c ^ (r % 8)),
// eight rows in 1024 bytes, at an address that 1024 divides. Rows run along the sum's axis of the other factor too ("K-major"): then `group` is the distance of
// eight rows from the next eight. Or a row holds 64 neighbours of one position of the sum ("transposed"): then `group` is the distance of eight positions
// from the next eight, and `block` that of 64 neighbours from the next 64.
__device__ __forceinline__ unsigned long long operand(const void* shared, unsigned group, unsigned block = 16) {
  const unsigned address = (unsigned)__cvta_generic_to_shared(shared);
  return (unsigned long long)((address & 0x3ffff) >> 4) | (unsigned long long)(block >> 4) << 16 | (unsigned long long)(group >> 4) << 32 | 1ull << 62;
}

#define D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define D16(i) D4(i), D4(i + 4), D4(i + 8), D4(i + 12)
#define R64                                                                                                                  \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define R128                                                                                                                 \
  R64 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"

// d += a · b, for N = 64 and 128; `transposed` (0 or 1): how both factors lie in shared memory.
#if __CUDA_ARCH_FEAT_SM90_ALL
#define WGMMA(name, shape, types, transposition)                                                                             \
  __device__ __forceinline__ void name(float (&d)[32], unsigned long long a, unsigned long long b) {                         \
    asm volatile("wgmma.mma_async.sync.aligned.m64n64" shape "." types " {" R64 "}, %32, %33, 1, 1, 1" transposition ";"       \
                 : D16(0), D16(16) : "l"(a), "l"(b));                                                                         \
  }                                                                                                                          \
  __device__ __forceinline__ void name(float (&d)[64], unsigned long long a, unsigned long long b) {                         \
    asm volatile("wgmma.mma_async.sync.aligned.m64n128" shape "." types " {" R128 "}, %64, %65, 1, 1, 1" transposition ";"     \
                 : D16(0), D16(16), D16(32), D16(48) : "l"(a), "l"(b));                                                       \
  }
#define WARPGROUP(instruction) asm volatile(instruction ::: "memory")
#else
#define WGMMA(name, shape, types, transposition)                                                                             \
  __device__ __forceinline__ void name(float (&)[32], unsigned long long, unsigned long long) { __trap(); }                   \
  __device__ __forceinline__ void name(float (&)[64], unsigned long long, unsigned long long) { __trap(); }
#define WARPGROUP(instruction)
#endif
WGMMA(wgmma_bf16, "k16", "f32.bf16.bf16", ", 0, 0")
WGMMA(wgmma_f16, "k16", "f32.f16.f16", ", 0, 0")
WGMMA(wgmma_tf32, "k8", "f32.tf32.tf32", "")
WGMMA(wgmma_bf16_transposed, "k16", "f32.bf16.bf16", ", 1, 1")
WGMMA(wgmma_f16_transposed, "k16", "f32.f16.f16", ", 1, 1")

// Before the first product: registers are as this thread left them.
__device__ __forceinline__ void wgmma_begin() { WARPGROUP("wgmma.fence.sync.aligned;"); }
// Products since the last commit form a group; wait until at most N groups are under way.
__device__ __forceinline__ void wgmma_commit() { WARPGROUP("wgmma.commit_group.sync.aligned;"); }
template <int N>
__device__ __forceinline__ void wgmma_wait() {
#if __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
#endif
}
// What this thread has written to shared memory is visible to the tensor cores, which read it by another way.
__device__ __forceinline__ void show_to_tensor_cores() { WARPGROUP("fence.proxy.async.shared::cta;"); }

#endif
