// What the server does with bytes: good, bad, slow and too many.
#include "router/http_server.h"

#include "runtime/real/real_runtime.h"
#include "runtime/sync.h"
#include "tests/router/router_world.h"

namespace tokura::router {
namespace {

class HttpBytes : public RouterWorld {
 protected:
  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++count;
    }
    return count;
  }
};

constexpr char kHealth[] = "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";

TEST_F(HttpBytes, PipelinedRequestsAreAnsweredInOrder) {
  const std::string answers =
      Exchange(std::string(kHealth) + "GET /nope HTTP/1.1\r\nHost: t\r\n\r\n" + kHealth);
  EXPECT_EQ(Count(answers, "HTTP/1.1 200 OK"), 2u);
  EXPECT_EQ(Count(answers, "HTTP/1.1 404 Not Found"), 1u);
  EXPECT_LT(answers.find("200 OK"), answers.find("404"));
}

TEST_F(HttpBytes, HeadHasTheHeadersOfGetAndNoBody) {
  const std::string answer = Exchange("HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(Contains(answer, "Content-Length: 15\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpBytes, GarbageIs400AndTheConnectionIsCut) {
  EXPECT_TRUE(Begins(Exchange("\x16\x03\x01 garbage\r\n\r\n", std::chrono::seconds(20)),
                     "HTTP/1.1 400 Bad Request"));
  EXPECT_TRUE(
      Begins(Exchange("GET /healthz HTTP/9.9\r\n\r\n", std::chrono::seconds(20)), "HTTP/1.1 400"));
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(HttpBytes, ATooLongHeaderIs413) {
  const std::string answer =
      Exchange("GET /healthz HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
               std::chrono::seconds(20));
  EXPECT_TRUE(Begins(answer, "HTTP/1.1 413"));
}

TEST_F(HttpBytes, ATooLongBodyIs413BeforeItIsRead) {
  const std::string answer =
      Exchange("POST /v1/records:put HTTP/1.1\r\nHost: t\r\nContent-Length: 8388609\r\n\r\n",
               std::chrono::seconds(20));
  EXPECT_TRUE(Begins(answer, "HTTP/1.1 413"));
  EXPECT_TRUE(Contains(answer, "\"limit\":8388608"));
}

TEST_F(HttpBytes, ExpectContinueIsAnsweredBeforeTheBody) {
  const std::string answer = Exchange(
      "POST /v1/tokens:wait HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n");
  EXPECT_TRUE(Begins(answer, "HTTP/1.1 100 Continue\r\n\r\n"));
}

TEST_F(HttpBytes, ChunkedBodiesAreRead) {
  const std::string answer = Exchange(
      "POST /v1/tokens:wait HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
  EXPECT_TRUE(Begins(answer, "HTTP/1.1 200"));
}

TEST_F(HttpBytes, ASlowHeaderIsCut) {
  EXPECT_EQ(Exchange("GET /hea", std::chrono::hours(1)), "");
  EXPECT_LT(world_.clock().Monotonic(), std::chrono::seconds(30));
}

TEST_F(HttpBytes, ASlowBodyIsCut) {
  EXPECT_EQ(Exchange("POST /v1/tokens:wait HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n{",
                     std::chrono::hours(1)),
            "");
  EXPECT_LT(world_.clock().Monotonic(), std::chrono::minutes(2));
}

TEST_F(HttpBytes, AnIdleConnectionIsCut) {
  EXPECT_TRUE(Begins(Exchange(kHealth, std::chrono::hours(1)), "HTTP/1.1 200"));
  EXPECT_LT(world_.clock().Monotonic(), std::chrono::minutes(10));
}

TEST_F(HttpBytes, EncodedPathsAreDecoded) {
  EXPECT_EQ(Send("POST", "/v1/tokens%3Await", "").status, 200);
}

TEST_F(HttpBytes, StopCutsIdleConnectionsAndReturns) {
  Exchange(kHealth, std::chrono::milliseconds(10));
  std::optional<bool> stopped;
  auto stop = [](Router& router, std::optional<bool>* done) -> runtime::Task<void> {
    co_await router.Stop();
    *done = true;
  };
  world_.Spawn(server_process_, stop(*router_, &stopped));
  EXPECT_TRUE(world_.RunUntil([&] { return stopped.has_value(); }, std::chrono::minutes(1)));
}

constexpr size_t kAnswerBytes = 4 << 20;  // more than the network takes

runtime::Task<HttpResponse> AnswerMuch(HttpRequest) {
  HttpResponse response;
  response.body.assign(kAnswerBytes, 'x');
  co_return std::move(response);
}

runtime::Task<void> LeaveAnAnswerUnread(runtime::sim::SimWorld* world,
                                        runtime::sim::SimProcess* process, bool* done) {
  const auto metrics = runtime::real::MakeMetrics();
  const auto logger = runtime::MakeNullLogger();
  runtime::MemoryBudget memory(kAnswerBytes, *metrics);
  auto listener = process->transport().Listen({"server", 1});
  HttpServerOptions options;
  options.memory = &memory;
  HttpServer server(process->executor(), world->clock(), world->random(), std::move(*listener),
                    &AnswerMuch, *metrics, *logger, options);
  server.Start();
  auto connection = co_await process->transport().Connect(server.local(), std::chrono::seconds(1));
  const Status asked = co_await (*connection)->Write(kHealth);
  EXPECT_TRUE(asked.ok());
  co_await runtime::Sleep(process->executor(), std::chrono::seconds(1));
  EXPECT_GT(memory.bytes(), kAnswerBytes);
  connection->reset();
  co_await server.Stop(std::chrono::seconds(1));
  EXPECT_EQ(memory.bytes(), 0u);
  *done = true;
}

TEST(HttpMemory, AnAnswerThatIsNotReadIsCounted) {
  runtime::sim::SimWorld world(1);
  runtime::sim::SimProcess& process = world.AddProcess("server");
  bool done = false;
  world.Spawn(process, LeaveAnAnswerUnread(&world, &process, &done));
  EXPECT_TRUE(world.RunUntil([&done] { return done; }));
}

}  // namespace
}  // namespace tokura::router
