// Which instruction sets this build has, and this machine understands.
#pragma once

#include "kernel.h"

namespace imgcls {

/// From the plainest to the best; the first is always there.
const Table* const* supported_tables();
int supported_count();

}  // namespace imgcls
