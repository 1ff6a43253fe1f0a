/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of one value of an option, named by the rows of the table. The texts are Docker's where it has
 * one. */
#pragma once

#include "basic/error.h"

int check_absolute_path(const char *value, Error *reterr);
int check_bip(const char *value, Error *reterr);
int check_bip6(const char *value, Error *reterr);
int check_bridge(const char *value, Error *reterr);
int check_cgroup_parent(const char *value, Error *reterr);
int check_cgroupns_mode(const char *value, Error *reterr);
int check_cidr4(const char *value, Error *reterr);
int check_cidr6(const char *value, Error *reterr);
int check_dns_search(const char *value, Error *reterr);
int check_exec_opt(const char *value, Error *reterr);
int check_firewall_backend(const char *value, Error *reterr);
int check_firewall_policy(const char *value, Error *reterr);
int check_fwmark(const char *value, Error *reterr);
int check_host(const char *value, Error *reterr);
int check_insecure_registry(const char *value, Error *reterr);
int check_ip(const char *value, Error *reterr);
int check_ipc_mode(const char *value, Error *reterr);
int check_ipv4(const char *value, Error *reterr);
int check_ipv6(const char *value, Error *reterr);
int check_label(const char *value, Error *reterr);
int check_log_format(const char *value, Error *reterr);
int check_log_level(const char *value, Error *reterr);
int check_min_api_version(const char *value, Error *reterr);
int check_mirror(const char *value, Error *reterr);
int check_nri_opts(const char *value, Error *reterr);
int check_storage_driver(const char *value, Error *reterr);
int check_storage_opt(const char *value, Error *reterr);
