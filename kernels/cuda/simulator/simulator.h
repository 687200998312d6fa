// CUDA on a CPU: everything that a .cu file needs to be compiled by a C++ compiler and executed thread by thread.
//
//   language.h      __global__, threadIdx, float4, dim3
//   fibers.h        functions that stand still in the middle and go on later
//   report.h        what went wrong: place, kernel, block, thread
//   groups.h        what the hardware does while the threads go on, as late as it may
//   block.h         the threads of a block, each a fiber, and who runs next
//   shared.h        shared memory
//   barrier.h       __syncthreads
//   warp.h          __shfl_sync, __ballot_sync, __syncwarp
//   arithmetic.h    float_of_half, min, __popc
//   functions.h     sqrtf, exp, rsqrtf
//   atomics.h       atomicAdd
//   async_copy.h    copies to shared memory (cp.async)
//   tensor_core.h   mma.sync and ldmatrix
//   hopper.h        wgmma
//   races.h         the memory check: shared memory
//   memory_check.h  the memory check: arrays, indices, alignment
//   faults.h        memory that is not there
//   launch.h        how a kernel is called from Python
#pragma once
#include "launch.h"
