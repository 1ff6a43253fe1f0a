/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls of networks need from the engine. */
#pragma once

#include "engine/engine.h"
#include "network/network-manager.h"

/* Borrowed. */
NetworkManager *engine_networks(Engine *e);
