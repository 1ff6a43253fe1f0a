/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network-record.h"

static const JsonField network_record_fields[] = {
        JSON_STRING(NetworkRecord, id, "Id", JSON_REQUIRED),
        JSON_STRING(NetworkRecord, name, "Name", JSON_REQUIRED),
        JSON_STRING(NetworkRecord, driver, "Driver", JSON_REQUIRED),
        JSON_TIME(NetworkRecord, created, "Created", 0),
        JSON_STRING(NetworkRecord, interface, "Interface", JSON_OMITEMPTY),
        JSON_STRING(NetworkRecord, subnet, "Subnet", JSON_OMITEMPTY),
        JSON_BOOL(NetworkRecord, subnet_given, "SubnetGiven", JSON_OMITEMPTY),
        JSON_STRING(NetworkRecord, range, "Range", JSON_OMITEMPTY),
        JSON_BOOL(NetworkRecord, internal, "Internal", JSON_OMITEMPTY),
        JSON_BOOL(NetworkRecord, attachable, "Attachable", JSON_OMITEMPTY),
        JSON_STRING_MAP(NetworkRecord, labels, "Labels", JSON_OMITEMPTY),
        JSON_STRING_MAP(NetworkRecord, options, "Options", JSON_OMITEMPTY),
        JSON_STRING_MAP(NetworkRecord, ipam_options, "IpamOptions", JSON_OMITEMPTY),
        JSON_STRING_MAP(NetworkRecord, auxiliary, "AuxiliaryAddresses", JSON_OMITEMPTY),
};
JSON_TYPE(NetworkRecord, network_record_fields);

static const JsonField endpoint_record_fields[] = {
        JSON_STRING(EndpointRecord, id, "Id", JSON_REQUIRED),
        JSON_STRING(EndpointRecord, network_id, "NetworkId", JSON_REQUIRED),
        JSON_STRING(EndpointRecord, network_name, "NetworkName", JSON_REQUIRED),
        JSON_STRING(EndpointRecord, address, "Address", JSON_OMITEMPTY),
        JSON_STRING(EndpointRecord, gateway, "Gateway", JSON_OMITEMPTY),
        JSON_STRING(EndpointRecord, mac, "Mac", JSON_OMITEMPTY),
        JSON_STRING(EndpointRecord, interface, "Interface", JSON_OMITEMPTY),
        JSON_STRING(EndpointRecord, inside, "Inside", JSON_OMITEMPTY),
        JSON_STRV(EndpointRecord, aliases, "Aliases", JSON_OMITEMPTY),
        JSON_INT64(EndpointRecord, gw_priority, "GwPriority", JSON_OMITEMPTY),
        JSON_BOOL(EndpointRecord, default_route, "DefaultRoute", JSON_OMITEMPTY),
};
JSON_TYPE(EndpointRecord, endpoint_record_fields);

static const JsonField port_record_fields[] = {
        JSON_STRING(PortRecord, protocol, "Protocol", JSON_REQUIRED),
        JSON_INT(PortRecord, container_port, "ContainerPort", JSON_REQUIRED),
        JSON_STRING(PortRecord, host_address, "HostAddress", JSON_REQUIRED),
        JSON_BOOL(PortRecord, default_address, "DefaultAddress", JSON_OMITEMPTY),
        JSON_INT(PortRecord, host_port, "HostPort", JSON_REQUIRED),
};
JSON_TYPE(PortRecord, port_record_fields);

static const JsonField sandbox_record_fields[] = {
        JSON_STRING(SandboxRecord, container_id, "ContainerId", JSON_REQUIRED),
        JSON_STRING(SandboxRecord, container_name, "ContainerName", JSON_OMITEMPTY),
        JSON_STRING(SandboxRecord, name, "Name", JSON_OMITEMPTY),
        JSON_ARRAY(SandboxRecord, endpoints, EndpointRecord, "Endpoints", JSON_OMITEMPTY),
        JSON_ARRAY(SandboxRecord, ports, PortRecord, "Ports", JSON_OMITEMPTY),
};
JSON_TYPE(SandboxRecord, sandbox_record_fields);
