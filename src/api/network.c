/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network.h"

static const JsonField ipam_config_fields[] = {
        JSON_STRING(IpamConfig, subnet, "Subnet", JSON_OMITEMPTY),
        JSON_STRING(IpamConfig, ip_range, "IPRange", JSON_OMITEMPTY),
        JSON_STRING(IpamConfig, gateway, "Gateway", JSON_OMITEMPTY),
        JSON_STRING_MAP(IpamConfig, auxiliary_addresses, "AuxiliaryAddresses", JSON_OMITEMPTY),
};
JSON_TYPE(IpamConfig, ipam_config_fields);

static const JsonField ipam_fields[] = {
        JSON_STRING(Ipam, driver, "Driver", 0),
        JSON_STRING_MAP(Ipam, options, "Options", 0),
        JSON_ARRAY(Ipam, config, IpamConfig, "Config", 0),
};
JSON_TYPE(Ipam, ipam_fields);

static const JsonField config_reference_fields[] = {
        JSON_STRING(ConfigReference, network, "Network", 0),
};
JSON_TYPE(ConfigReference, config_reference_fields);

static const JsonField network_container_fields[] = {
        JSON_STRING(NetworkContainer, name, "Name", 0),
        JSON_STRING(NetworkContainer, endpoint_id, "EndpointID", 0),
        JSON_STRING(NetworkContainer, mac_address, "MacAddress", 0),
        JSON_STRING(NetworkContainer, ipv4_address, "IPv4Address", 0),
        JSON_STRING(NetworkContainer, ipv6_address, "IPv6Address", 0),
};
JSON_TYPE(NetworkContainer, network_container_fields);

static const JsonField network_inspect_fields[] = {
        JSON_STRING(NetworkInspect, name, "Name", 0),
        JSON_STRING(NetworkInspect, id, "Id", 0),
        JSON_TIME(NetworkInspect, created, "Created", 0),
        JSON_STRING(NetworkInspect, scope, "Scope", 0),
        JSON_STRING(NetworkInspect, driver, "Driver", 0),
        JSON_BOOL(NetworkInspect, enable_ipv4, "EnableIPv4", 0),
        JSON_BOOL(NetworkInspect, enable_ipv6, "EnableIPv6", 0),
        JSON_STRUCT(NetworkInspect, ipam, Ipam, "IPAM", 0),
        JSON_BOOL(NetworkInspect, internal, "Internal", 0),
        JSON_BOOL(NetworkInspect, attachable, "Attachable", 0),
        JSON_BOOL(NetworkInspect, ingress, "Ingress", 0),
        JSON_STRUCT(NetworkInspect, config_from, ConfigReference, "ConfigFrom", 0),
        JSON_BOOL(NetworkInspect, config_only, "ConfigOnly", 0),
        JSON_MAP(NetworkInspect, containers, NetworkContainerEntry, NetworkContainer, "Containers",
                 JSON_NONNULL),
        JSON_STRING_MAP(NetworkInspect, options, "Options", JSON_NONNULL),
        JSON_STRING_MAP(NetworkInspect, labels, "Labels", JSON_NONNULL),
};
JSON_TYPE(NetworkInspect, network_inspect_fields);

static const JsonField network_list_params_fields[] = {
        JSON_FILTERS(NetworkListParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(NetworkListParams, network_list_params_fields);

static const JsonField network_inspect_params_fields[] = {
        JSON_STRING(NetworkInspectParams, id, "id", JSON_REQUIRED | JSON_IN_PATH),
        JSON_BOOL(NetworkInspectParams, verbose, "verbose", JSON_IN_QUERY),
        JSON_STRING(NetworkInspectParams, scope, "scope", JSON_IN_QUERY),
};
JSON_TYPE(NetworkInspectParams, network_inspect_params_fields);

static const JsonField network_create_request_fields[] = {
        JSON_STRING(NetworkCreateRequest, name, "Name", JSON_REQUIRED),
        JSON_BOOL(NetworkCreateRequest, check_duplicate, "CheckDuplicate", JSON_OMITEMPTY),
        JSON_STRING(NetworkCreateRequest, driver, "Driver", 0),
        JSON_STRING(NetworkCreateRequest, scope, "Scope", JSON_OMITEMPTY),
        JSON_TRISTATE(NetworkCreateRequest, enable_ipv4, "EnableIPv4", JSON_OMITEMPTY, .since = 48),
        JSON_TRISTATE(NetworkCreateRequest, enable_ipv6, "EnableIPv6", JSON_OMITEMPTY),
        JSON_OBJECT(NetworkCreateRequest, ipam, Ipam, "IPAM", 0),
        JSON_BOOL(NetworkCreateRequest, internal, "Internal", 0),
        JSON_BOOL(NetworkCreateRequest, attachable, "Attachable", 0),
        JSON_BOOL(NetworkCreateRequest, ingress, "Ingress", 0),
        JSON_BOOL(NetworkCreateRequest, config_only, "ConfigOnly", 0),
        JSON_OBJECT(NetworkCreateRequest, config_from, ConfigReference, "ConfigFrom", 0),
        JSON_STRING_MAP(NetworkCreateRequest, options, "Options", 0),
        JSON_STRING_MAP(NetworkCreateRequest, labels, "Labels", 0),
};
JSON_TYPE(NetworkCreateRequest, network_create_request_fields);

static const JsonField network_create_response_fields[] = {
        JSON_STRING(NetworkCreateResponse, id, "Id", 0),
        JSON_STRING(NetworkCreateResponse, warning, "Warning", 0),
};
JSON_TYPE(NetworkCreateResponse, network_create_response_fields);

static const JsonField network_prune_params_fields[] = {
        JSON_FILTERS(NetworkPruneParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(NetworkPruneParams, network_prune_params_fields);

static const JsonField network_prune_reply_fields[] = {
        JSON_STRV(NetworkPruneReply, networks_deleted, "NetworksDeleted", 0),
};
JSON_TYPE(NetworkPruneReply, network_prune_reply_fields);

static const JsonField endpoint_ipam_config_fields[] = {
        JSON_STRING(EndpointIpamConfig, ipv4_address, "IPv4Address", JSON_OMITEMPTY),
        JSON_STRING(EndpointIpamConfig, ipv6_address, "IPv6Address", JSON_OMITEMPTY),
        JSON_STRV(EndpointIpamConfig, link_local_ips, "LinkLocalIPs", JSON_OMITEMPTY),
};
JSON_TYPE(EndpointIpamConfig, endpoint_ipam_config_fields);

static const JsonField endpoint_settings_fields[] = {
        JSON_OBJECT(EndpointSettings, ipam_config, EndpointIpamConfig, "IPAMConfig", 0),
        JSON_STRV(EndpointSettings, links, "Links", 0),
        JSON_STRV(EndpointSettings, aliases, "Aliases", 0),
        JSON_STRING(EndpointSettings, mac_address, "MacAddress", 0),
        JSON_STRING_MAP(EndpointSettings, driver_opts, "DriverOpts", 0),
        JSON_INT64(EndpointSettings, gw_priority, "GwPriority", 0, .since = 48),
        JSON_STRING(EndpointSettings, network_id, "NetworkID", 0),
        JSON_STRING(EndpointSettings, endpoint_id, "EndpointID", 0),
        JSON_STRING(EndpointSettings, gateway, "Gateway", 0),
        JSON_STRING(EndpointSettings, ip_address, "IPAddress", 0),
        JSON_INT64(EndpointSettings, ip_prefix_len, "IPPrefixLen", 0),
        JSON_STRING(EndpointSettings, ipv6_gateway, "IPv6Gateway", 0),
        JSON_STRING(EndpointSettings, global_ipv6_address, "GlobalIPv6Address", 0),
        JSON_INT64(EndpointSettings, global_ipv6_prefix_len, "GlobalIPv6PrefixLen", 0),
        JSON_STRV(EndpointSettings, dns_names, "DNSNames", 0, .since = 44),
};
JSON_TYPE(EndpointSettings, endpoint_settings_fields);

static const JsonField network_connect_request_fields[] = {
        JSON_STRING(NetworkConnectRequest, id, "id", JSON_REQUIRED | JSON_IN_PATH),
        JSON_STRING(NetworkConnectRequest, container, "Container", 0),
        JSON_OBJECT(NetworkConnectRequest, endpoint_config, EndpointSettings, "EndpointConfig", 0),
};
JSON_TYPE(NetworkConnectRequest, network_connect_request_fields);

static const JsonField network_disconnect_request_fields[] = {
        JSON_STRING(NetworkDisconnectRequest, id, "id", JSON_REQUIRED | JSON_IN_PATH),
        JSON_STRING(NetworkDisconnectRequest, container, "Container", 0),
        JSON_BOOL(NetworkDisconnectRequest, force, "Force", 0),
};
JSON_TYPE(NetworkDisconnectRequest, network_disconnect_request_fields);

static const JsonField port_binding_fields[] = {
        JSON_STRING(PortBinding, host_ip, "HostIp", 0),
        JSON_STRING(PortBinding, host_port, "HostPort", 0),
};
JSON_TYPE(PortBinding, port_binding_fields);

static const JsonField port_summary_fields[] = {
        JSON_STRING(PortSummary, ip, "IP", JSON_OMITEMPTY),
        JSON_INT(PortSummary, private_port, "PrivatePort", 0),
        JSON_INT(PortSummary, public_port, "PublicPort", JSON_OMITEMPTY),
        JSON_STRING(PortSummary, type, "Type", 0),
};
JSON_TYPE(PortSummary, port_summary_fields);
