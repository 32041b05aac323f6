-- SPDX-License-Identifier: GPL-2.0-only
-- Wireshark dissector for captures of Hyper-V's integration components: hvhost --write, hvkvp monitor --write.
--
--	wireshark -X lua_script:hyperv_ic.lua capture.pcapng		(or copy it to ~/.local/lib/wireshark/plugins)
--
-- Link types: USER0 an IC packet from its 20-byte header on, USER1 another ring packet, USER3 a VMBus message.
-- Layouts: docs/protocol.md, sections 1, 2 and 5. For Lua 5.2, which Wireshark has before version 4.4, and 5.4.

local ic = Proto("hyperv_ic", "Hyper-V Integration Component")
local vmbus = Proto("vmbus_msg", "VMBus Message")
local ring = Proto("vmbus_packet", "VMBus Ring Packet")

local TYPES = { [0] = "Negotiate", [1] = "Heartbeat", [2] = "KVP", [3] = "Shutdown", [4] = "Time Sync", [5] = "VSS",
	[7] = "Guest Interface" }
local STATUS = { [0] = "S_OK", [0x80070103] = "NO_MORE_ITEMS", [0x80004005] = "E_FAIL", [0x80070057] = "INVALIDARG",
	[0x80041002] = "GUID_NOTFOUND", [0x80070032] = "NOT_SUPPORTED" }
local KVP_OPS = { [0] = "GET", [1] = "SET", [2] = "DELETE", [3] = "ENUMERATE", [4] = "GET_IP", [5] = "SET_IP" }
local POOLS = { [0] = "External", [1] = "Guest", [2] = "Auto", [3] = "Guest\\Parameter", [4] = "Auto internal" }
local VALUE_TYPES = { [1] = "REG_SZ", [2] = "REG_EXPAND_SZ", [4] = "REG_DWORD", [8] = "REG_QWORD (8)", [11] = "REG_QWORD" }
local FAMILIES = { [0] = "none", [1] = "IPv4", [2] = "IPv6", [3] = "both" }
local VSS_OPS = { [0] = "CREATE", [1] = "DELETE", [2] = "HOT_BACKUP", [3] = "GET_DM_INFO", [4] = "BU_COMPLETE",
	[5] = "FREEZE", [6] = "THAW", [7] = "AUTO_RECOVER" }
local MESSAGES = { [1] = "OfferChannel", [2] = "RescindChannel", [3] = "RequestOffers", [4] = "AllOffersDelivered",
	[5] = "OpenChannel", [6] = "OpenResult", [7] = "CloseChannel", [8] = "GpadlHeader", [9] = "GpadlBody",
	[10] = "GpadlCreated", [11] = "GpadlTeardown", [12] = "GpadlTorndown", [13] = "RelIdReleased",
	[14] = "InitiateContact", [15] = "VersionResponse", [16] = "Unload", [17] = "UnloadComplete", [22] = "ModifyChannel",
	[24] = "ModifyChannelResponse" }

local f = ic.fields
f.framework = ProtoField.string("hyperv_ic.framework", "Framework version")
f.type = ProtoField.uint16("hyperv_ic.type", "Message type", base.DEC, TYPES)
f.version = ProtoField.string("hyperv_ic.version", "Message version")
f.size = ProtoField.uint16("hyperv_ic.size", "Body size")
f.status = ProtoField.uint32("hyperv_ic.status", "Status", base.HEX, STATUS)
f.id = ProtoField.uint8("hyperv_ic.transaction", "Transaction id")
f.flags = ProtoField.uint8("hyperv_ic.flags", "Flags", base.HEX)
f.f_transaction = ProtoField.bool("hyperv_ic.flags.transaction", "Transaction", 8, nil, 1)
f.f_request = ProtoField.bool("hyperv_ic.flags.request", "Request", 8, nil, 2)
f.f_response = ProtoField.bool("hyperv_ic.flags.response", "Response", 8, nil, 4)
f.request_in = ProtoField.framenum("hyperv_ic.request_in", "Request in", base.NONE, frametype.REQUEST)
f.response_in = ProtoField.framenum("hyperv_ic.response_in", "Response in", base.NONE, frametype.RESPONSE)
f.latency = ProtoField.relative_time("hyperv_ic.latency", "Latency")
f.fw_count = ProtoField.uint16("hyperv_ic.negotiate.framework_count", "Framework versions")
f.msg_count = ProtoField.uint16("hyperv_ic.negotiate.message_count", "Message versions")
f.fw_offered = ProtoField.string("hyperv_ic.negotiate.framework", "Framework version")
f.msg_offered = ProtoField.string("hyperv_ic.negotiate.message", "Message version")
f.op = ProtoField.uint8("hyperv_ic.kvp.operation", "Operation", base.DEC, KVP_OPS)
f.pool = ProtoField.uint8("hyperv_ic.kvp.pool", "Pool", base.DEC, POOLS)
f.index = ProtoField.uint32("hyperv_ic.kvp.index", "Index")
f.value_type = ProtoField.uint32("hyperv_ic.kvp.value_type", "Value type", base.DEC, VALUE_TYPES)
f.key_size = ProtoField.uint32("hyperv_ic.kvp.key_size", "Key size")
f.value_size = ProtoField.uint32("hyperv_ic.kvp.value_size", "Value size")
f.key = ProtoField.string("hyperv_ic.kvp.key", "Key")
f.value = ProtoField.string("hyperv_ic.kvp.value", "Value")
f.adapter = ProtoField.string("hyperv_ic.kvp.adapter", "Adapter")
f.family = ProtoField.uint8("hyperv_ic.kvp.family", "Address family", base.DEC, FAMILIES)
f.dhcp = ProtoField.bool("hyperv_ic.kvp.dhcp", "DHCP")
f.address = ProtoField.string("hyperv_ic.kvp.address", "Address")
f.subnet = ProtoField.string("hyperv_ic.kvp.subnet", "Subnet")
f.gateway = ProtoField.string("hyperv_ic.kvp.gateway", "Gateway")
f.dns = ProtoField.string("hyperv_ic.kvp.dns", "Name server")
f.sequence = ProtoField.uint64("hyperv_ic.heartbeat.sequence", "Sequence number")
f.reason = ProtoField.uint32("hyperv_ic.shutdown.reason", "Reason", base.HEX)
f.timeout = ProtoField.uint32("hyperv_ic.shutdown.timeout", "Timeout in seconds")
f.shutdown_flags = ProtoField.uint32("hyperv_ic.shutdown.flags", "Flags", base.HEX)
f.host_time = ProtoField.uint64("hyperv_ic.timesync.host_time", "Host time (100 ns since 1601)")
f.time_flags = ProtoField.uint8("hyperv_ic.timesync.flags", "Flags", base.HEX, { [0] = "probe", [1] = "sync", [2] = "sample" })
f.vss_op = ProtoField.uint8("hyperv_ic.vss.operation", "Operation", base.DEC, VSS_OPS)
f.vss_flags = ProtoField.uint32("hyperv_ic.vss.flags", "Flags", base.HEX)
f.rest = ProtoField.bytes("hyperv_ic.body", "Body")

ic.experts.malformed = ProtoExpert.new("hyperv_ic.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
ic.experts.no_common = ProtoExpert.new("hyperv_ic.no_common_version", "No common version", expert.group.RESPONSE_CODE,
	expert.severity.WARN)

local interface_id = Field.new("frame.interface_id")

local HEADER, RESPONSE = 20, 4
local waiting, answers = {}, {}		-- by interface: frames of unanswered requests; by frame: its other half

function ic.init()
	waiting, answers = {}, {}
end

local function version(range)
	return string.format("%d.%d", range(0, 2):le_uint(), range(2, 2):le_uint())
end

-- Text of a UTF-16 field up to its NUL.
local function text(range)
	local last = 0
	while last + 2 <= range:len() and range(last, 2):le_uint() ~= 0 do last = last + 2 end
	return last > 0 and range(0, last):le_ustring() or ""
end

local function add_text(tree, field, range)
	local value = text(range)
	tree:add(field, range, value)
	return value
end

-- A list that is joined by semicolons.
local function add_list(tree, field, range)
	local joined = text(range)
	for item in joined:gmatch("[^;]+") do tree:add(field, range, item) end
	return joined
end

local function add_addresses(tree, field, range, count, size)
	local found = {}
	for i = 0, math.min(count, math.floor(range:len() / size)) - 1 do
		local each = range(i * size, size)
		local value = tostring(size == 4 and each:ipv4() or each:ipv6())
		tree:add(field, each, value)
		found[#found + 1] = value
	end
	return found
end

-- IP messages in text form start at offset 2, in binary form at 4.
local function ip_text(tree, body)
	if body:len() < 7428 then return nil end
	local adapter = add_text(tree, f.adapter, body(2, 256))
	tree:add(f.family, body(258, 1))
	tree:add(f.dhcp, body(259, 1))
	local addresses = add_list(tree, f.address, body(260, 2048))
	add_list(tree, f.subnet, body(2308, 2048))
	add_list(tree, f.gateway, body(4356, 1024))
	add_list(tree, f.dns, body(5380, 2048))
	return adapter, addresses
end

local function ip_binary(tree, body)
	if body:len() < 3716 then return nil end
	local n = {}
	for i = 0, 5 do n[i + 1] = body(4 + i * 4, 4):le_uint() end
	local adapter = add_text(tree, f.adapter, body(28, 256))
	tree:add(f.family, body(284, 1))
	tree:add(f.dhcp, body(285, 1))
	local found = add_addresses(tree, f.address, body(288, 256), n[1], 4)
	for _, each in ipairs(add_addresses(tree, f.address, body(544, 1024), n[2], 16)) do found[#found + 1] = each end
	add_addresses(tree, f.subnet, body(1568, 256), n[1], 4)
	for i = 0, math.min(n[2], 64) - 1 do
		tree:add(f.subnet, body(1824 + i * 4, 4), tostring(body(1824 + i * 4, 4):le_uint()))
	end
	add_addresses(tree, f.gateway, body(2080, 20), n[3], 4)
	add_addresses(tree, f.gateway, body(2100, 80), n[4], 16)
	add_addresses(tree, f.dns, body(2180, 256), n[5], 4)
	add_addresses(tree, f.dns, body(2436, 1024), n[6], 16)
	return adapter, table.concat(found, ";")
end

local function value_of(range, kind, size)
	if kind == 4 and size == 4 then return tostring(range(0, 4):le_uint()) end
	if (kind == 11 or kind == 8) and size == 8 then return tostring(range(0, 8):le_int64()) end
	return text(range)
end

local function pair(tree, body, at, key_at, value_at, sizes)
	local kind = value_at and body(at, 4):le_uint() or 1
	if value_at then
		tree:add_le(f.value_type, body(at, 4))
		at = at + 4
	end
	tree:add_le(f.key_size, body(at, 4))
	local key = add_text(tree, f.key, body(key_at, 512))
	if not value_at then return key end
	local size = body(at + 4, 4):le_uint()
	tree:add_le(f.value_size, body(at + 4, 4))
	local value = value_of(body(value_at, 2048), kind, size)
	if size > 0 or sizes then tree:add(f.value, body(value_at, 2048), value) end
	return key, size > 0 and value or nil
end

-- Returns what the packet list says.
local function dissect_kvp(tree, body, major)
	if body:len() < 4 then return nil end
	local op, pool = body(0, 1):uint(), body(1, 1):uint()
	tree:add(f.op, body(0, 1))
	tree:add(f.pool, body(1, 1))
	local title = string.format("%s %s", KVP_OPS[op] or "operation " .. op, POOLS[pool] or pool)
	local key, value
	if (op == 0 or op == 1) and body:len() >= 2576 then
		key, value = pair(tree, body, 4, 16, 528)
	elseif op == 2 and body:len() >= 520 then
		key = pair(tree, body, 4, 8)
	elseif op == 3 and body:len() >= 2580 then
		tree:add_le(f.index, body(4, 4))
		title = title .. " " .. body(4, 4):le_uint()
		key, value = pair(tree, body, 8, 20, 532)
	elseif op == 4 or op == 5 then
		if major >= 5 then key, value = ip_binary(tree, body) else key, value = ip_text(tree, body) end
	end
	if key and key ~= "" then title = title .. " " .. key end
	if value and value ~= "" then title = title .. " = " .. value end
	return title
end

local function dissect_negotiate(tree, body, response)
	if body:len() < 8 then return "Negotiate" end
	local counts = { body(0, 2):le_uint(), body(2, 2):le_uint() }
	tree:add_le(f.fw_count, body(0, 2))
	tree:add_le(f.msg_count, body(2, 2))
	local at, lists = 8, { {}, {} }
	for which, field in ipairs{ f.fw_offered, f.msg_offered } do
		for _ = 1, counts[which] do
			if at + 4 > body:len() then break end
			local v = version(body(at, 4))
			tree:add(field, body(at, 4), v)
			table.insert(lists[which], v)
			at = at + 4
		end
	end
	if response and counts[1] == 0 then
		tree:add_proto_expert_info(ic.experts.no_common)
		return "Negotiate: no common version"
	end
	return string.format("Negotiate framework %s, version %s", table.concat(lists[1], " "), table.concat(lists[2], " "))
end

local bodies = {
	[1] = function(tree, body)
		if body:len() < 8 then return nil end
		tree:add_le(f.sequence, body(0, 8))
		return "Heartbeat " .. tostring(body(0, 8):le_uint64())
	end,
	[2] = dissect_kvp,
	[3] = function(tree, body)
		if body:len() < 12 then return nil end
		tree:add_le(f.reason, body(0, 4))
		tree:add_le(f.timeout, body(4, 4))
		tree:add_le(f.shutdown_flags, body(8, 4))
		return string.format("Shutdown flags 0x%x", body(8, 4):le_uint())
	end,
	[4] = function(tree, body, major)
		local flags = major >= 4 and 16 or 24
		if body:len() <= flags then return nil end
		tree:add_le(f.host_time, body(0, 8))
		tree:add(f.time_flags, body(flags, 1))
		return "Time Sync"
	end,
	[5] = function(tree, body)
		if body:len() < 12 then return nil end
		tree:add(f.vss_op, body(0, 1))
		tree:add_le(f.vss_flags, body(8, 4))
		return "VSS " .. (VSS_OPS[body(0, 1):uint()] or body(0, 1):uint())
	end,
}

-- Requests and answers of one channel are in order: the oldest request without an answer is answered.
local function match(pinfo, response)
	if pinfo.visited then return end
	local key = tostring(interface_id())
	waiting[key] = waiting[key] or {}
	if not response then
		table.insert(waiting[key], { number = pinfo.number, at = pinfo.rel_ts })
		return
	end
	local request = table.remove(waiting[key], 1)
	if request then
		answers[pinfo.number] = { request = request.number, latency = pinfo.rel_ts - request.at }
		answers[request.number] = { response = pinfo.number }
	end
end

local function add_match(tree, number)
	local found = answers[number]
	if not found then return end
	if found.response then tree:add(f.response_in, found.response):set_generated() return end
	tree:add(f.request_in, found.request):set_generated()
	local seconds = math.floor(found.latency)
	tree:add(f.latency, NSTime.new(seconds, math.floor((found.latency - seconds) * 1e9 + 0.5))):set_generated()
end

function ic.dissector(buffer, pinfo, root)
	pinfo.cols.protocol = "HV-IC"
	local tree = root:add(ic, buffer())
	if buffer:len() < HEADER then
		tree:add_proto_expert_info(ic.experts.malformed, "shorter than an IC header")
		pinfo.cols.info = "shorter than an IC header"
		return
	end
	local kind, major, flags = buffer(4, 2):le_uint(), buffer(6, 2):le_uint(), buffer(17, 1):uint()
	local response = math.floor(flags / RESPONSE) % 2 == 1
	tree:add(f.framework, buffer(0, 4), version(buffer(0, 4)))
	tree:add_le(f.type, buffer(4, 2))
	tree:add(f.version, buffer(6, 4), version(buffer(6, 4)))
	tree:add_le(f.size, buffer(10, 2))
	tree:add_le(f.status, buffer(12, 4))
	tree:add(f.id, buffer(16, 1))
	local bits = tree:add(f.flags, buffer(17, 1))
	for _, bit in ipairs{ f.f_transaction, f.f_request, f.f_response } do bits:add(bit, buffer(17, 1)) end
	match(pinfo, response)
	add_match(tree, pinfo.number)
	local title
	if buffer:len() > HEADER then
		local body = buffer(HEADER)
		if kind == 0 then
			title = dissect_negotiate(tree, body, response)
		elseif bodies[kind] then
			title = bodies[kind](tree, body, major)
		end
		if not title then tree:add(f.rest, body) end
	end
	if buffer(10, 2):le_uint() > buffer:len() - HEADER then
		tree:add_proto_expert_info(ic.experts.malformed, "the size field is larger than the body")
	end
	title = title or TYPES[kind] or "message type " .. kind
	if response then
		local status = buffer(12, 4):le_uint()
		title = title .. ": " .. (STATUS[status] or string.format("0x%08x", status))
	end
	pinfo.cols.info = (response and "Answer  " or "Request ") .. title
end

vmbus.fields.type = ProtoField.uint32("vmbus_msg.type", "Message type", base.DEC, MESSAGES)
vmbus.fields.body = ProtoField.bytes("vmbus_msg.body", "Body")

function vmbus.dissector(buffer, pinfo, root)
	pinfo.cols.protocol = "VMBUS"
	local tree = root:add(vmbus, buffer())
	if buffer:len() < 8 then
		pinfo.cols.info = "shorter than a message header"
		return
	end
	local kind = buffer(0, 4):le_uint()
	tree:add_le(vmbus.fields.type, buffer(0, 4))
	if buffer:len() > 8 then tree:add(vmbus.fields.body, buffer(8)) end
	pinfo.cols.info = MESSAGES[kind] or "message type " .. kind
end

ring.fields.payload = ProtoField.bytes("vmbus_packet.payload", "Payload")

function ring.dissector(buffer, pinfo, root)
	pinfo.cols.protocol = "VMBUS-RING"
	root:add(ring, buffer()):add(ring.fields.payload, buffer())
	pinfo.cols.info = string.format("ring packet, %d bytes", buffer:len())
end

local encapsulations = DissectorTable.get("wtap_encap")
encapsulations:add(wtap.USER0, ic)
encapsulations:add(wtap.USER1, ring)
encapsulations:add(wtap.USER3, vmbus)
