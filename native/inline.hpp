#pragma once

// Everything between the outer loop and the last multiplication has to end up in one loop body.
#define INLINE inline __attribute__((always_inline))
