#include "cli/up/ready_file.h"

#include "client/json_value.h"

namespace tokura::cli {
namespace {

constexpr uint64_t kRegistrationBytesMax = 1 << 16;

void AppendNode(const router::NodeEndpoint& node, const std::string& rack,
                client::JsonWriter* json) {
  json->BeginObject().Key("id").String(node.id).Key("pid").Int(node.pid);
  json->Key("listen").String(node.address.ToString());
  if (!rack.empty()) json->Key("rack").String(rack);
  json->EndObject();
}

Result<router::NodeEndpoint> ParseRegistration(const std::string& path, const std::string& text) {
  const Result<client::Json> json = client::ParseJson(text, kRegistrationBytesMax);
  if (!json.ok()) return Corrupt(path + ": " + json.status().message());
  const client::Json* id = json->Find("id");
  const client::Json* pid = json->Find("pid");
  const client::Json* listen = json->Find("listen");
  if (id == nullptr || id->string() == nullptr || pid == nullptr || pid->integer() == nullptr ||
      listen == nullptr || listen->string() == nullptr) {
    return Corrupt(path + ": not the registration of a node");
  }
  const Result<runtime::Address> address = runtime::Address::Parse(*listen->string());
  if (!address.ok()) return Corrupt(path + ": " + address.status().message());
  return router::NodeEndpoint{*id->string(), *address, *pid->integer()};
}

}  // namespace

std::string ReadyJson(const ReadyState& state) {
  std::string text;
  client::JsonWriter json(&text);
  json.BeginObject().Key("pid").Int(state.pid);
  if (state.router.has_value()) json.Key("router").String(state.router->ToString());
  if (state.http.has_value()) json.Key("http").String(state.http->ToString());
  if (!state.nodes.empty()) {
    json.Key("nodes").BeginArray();
    for (const router::NodeEndpoint& node : state.nodes) AppendNode(node, "", &json);
    json.EndArray();
  }
  json.EndObject();
  return text + "\n";
}

Result<ReadyFile> ReadyFile::Claim(runtime::FileSystem& files, const std::string& path) {
  if (!path.empty()) {
    const Status removed = files.Remove(path);
    if (!removed.ok() && removed.code() != Code::kNotFound) {
      return removed.WithContext("--ready-file");
    }
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    TOKURA_ASSIGN_OR_RETURN(const bool exists, files.IsDirectory(parent));
    if (!exists) return NotFound("--ready-file: there is no directory " + parent);
  }
  return ReadyFile(files, path);
}

ReadyFile::~ReadyFile() { Withdraw(); }

void ReadyFile::Withdraw() {
  // May be gone already, or never have been there.
  if (!path_.empty()) (void)files_.Remove(path_);
}

Status ReadyFile::Publish(const ReadyState& state) {
  if (path_.empty()) return OkStatus();
  return runtime::WriteFileAtomically(files_, path_, ReadyJson(state));
}

Status RegisterNode(runtime::FileSystem& files, const std::string& catalog_directory,
                    const router::NodeEndpoint& node, const std::string& rack) {
  const std::string directory = catalog_directory + "/nodes";
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(directory));
  std::string text;
  client::JsonWriter json(&text);
  AppendNode(node, rack, &json);
  return runtime::WriteFileAtomically(files, directory + "/" + node.id + ".json", text + "\n");
}

Result<std::vector<router::NodeEndpoint>> ReadRegisteredNodes(
    runtime::FileSystem& files, const std::string& catalog_directory) {
  const std::string directory = catalog_directory + "/nodes";
  std::vector<router::NodeEndpoint> nodes;
  TOKURA_ASSIGN_OR_RETURN(const bool exists, files.Exists(directory));
  if (!exists) return nodes;
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(directory));
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;  // a temporary file
    const std::string path = directory + "/" + name;
    TOKURA_ASSIGN_OR_RETURN(const std::string text,
                            runtime::ReadFile(files, path, kRegistrationBytesMax));
    TOKURA_ASSIGN_OR_RETURN(router::NodeEndpoint node, ParseRegistration(path, text));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace tokura::cli
