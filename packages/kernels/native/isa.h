// Which instruction sets this build has, and this machine understands.
#pragma once

#include "kernel.h"

namespace imgcls {

/// From the plainest to the best. None where the processor lacks even the plainest.
const Table* const* supported_tables();
int supported_count();

}  // namespace imgcls
