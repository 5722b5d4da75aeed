// One TCP connection as a runtime::Connection. Internal to runtime/real.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "runtime/transport.h"

namespace tokura::runtime::real {

// Makes the socket non-blocking, without Nagle's delay, and quick to notice a peer that is gone.
// `socket` is connected; the connection lives on the loop of its io_context.
std::unique_ptr<Connection> MakeTcpConnection(boost::asio::ip::tcp::socket socket, Address peer);

Address AddressOf(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace tokura::runtime::real
