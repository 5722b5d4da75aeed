// Wire: the bodies of the native protocol (proto/api.proto) as core values, both directions, so
// that no protobuf type is seen beyond client/. Used by RemoteApi and NodeClient on the caller's
// side, by the router's native service on the other.
//
//   std::string body = wire::Encode(request);
//   Result<GetFeaturesRequest> request = wire::Decode<GetFeaturesRequest>(body);
//
// Encode never fails: what cannot be said in the contract (a time that does not parse) travels as a
// malformed record, which the router rejects in its place. Decode takes untrusted bytes: bounded in
// size, count and depth; INVALID_ARGUMENT when malformed, RESOURCE_EXHAUSTED over a limit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/api.h"
#include "core/status.h"

namespace tokura::client::wire {

struct ApplyRequest {
  std::vector<catalog::DefinitionText> texts;
  catalog::ApplyOptions options;
};
using client::DigestRequest;
using OfflineStatusResponse = std::vector<OfflineGroupStatus>;

std::string Encode(const GetFeaturesRequest& request);
std::string Encode(const PutRecordsRequest& request);
std::string Encode(const DeleteRecordsRequest& request);
std::string Encode(const ScanPrefixRequest& request);
std::string Encode(const ApplyRequest& request);
std::string Encode(const WaitRequest& request);
std::string Encode(const DigestRequest& request);

std::string Encode(const GetFeaturesResponse& response);
std::string Encode(const PutRecordsResponse& response);
std::string Encode(const DeleteRecordsResponse& response);
std::string Encode(const ScanPrefixResponse& response);
std::string Encode(const Api::Applied& response);
std::string Encode(const Api::Definitions& response);
std::string Encode(const OfflineStatusResponse& response);
std::string Encode(const ClusterStatus& response);
std::string Encode(const DigestReport& response);

// T is any of the types above.
template <typename T>
Result<T> Decode(std::string_view body);

template <>
Result<GetFeaturesRequest> Decode(std::string_view body);
template <>
Result<PutRecordsRequest> Decode(std::string_view body);
template <>
Result<DeleteRecordsRequest> Decode(std::string_view body);
template <>
Result<ScanPrefixRequest> Decode(std::string_view body);
template <>
Result<ApplyRequest> Decode(std::string_view body);
template <>
Result<WaitRequest> Decode(std::string_view body);
template <>
Result<DigestRequest> Decode(std::string_view body);

template <>
Result<GetFeaturesResponse> Decode(std::string_view body);
template <>
Result<PutRecordsResponse> Decode(std::string_view body);
template <>
Result<DeleteRecordsResponse> Decode(std::string_view body);
template <>
Result<ScanPrefixResponse> Decode(std::string_view body);
template <>
Result<Api::Applied> Decode(std::string_view body);
template <>
Result<Api::Definitions> Decode(std::string_view body);
template <>
Result<OfflineStatusResponse> Decode(std::string_view body);
template <>
Result<ClusterStatus> Decode(std::string_view body);
template <>
Result<DigestReport> Decode(std::string_view body);

}  // namespace tokura::client::wire
