// The build compiles precompiled.hpp into this target, and all others reuse it.
#include "cmake/precompiled.hpp"
