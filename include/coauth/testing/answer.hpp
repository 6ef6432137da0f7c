#ifndef COAUTH_TESTING_ANSWER_HPP
#define COAUTH_TESTING_ANSWER_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace coauth::testing
{

/// How a scripted answer ends.
enum class ending
{
    /// Keep the connection when the request allows it, else `close`.
    keep_alive,
    /// TLS close_notify, then close. Says so in the header unless `answer::raw` is used.
    close,
    /// Close without TLS close_notify.
    truncate,
    /// Reset the connection.
    reset,
    /// Send nothing more and never close.
    stall,
};

/// One scripted answer. The default is an empty 200.
struct answer
{
    unsigned status = 200;
    http_headers headers = {};
    std::string body = {};
    /// When not empty, exactly these bytes are sent in place of status, headers and body.
    std::string raw = {};
    /// Waited before the first byte.
    std::chrono::milliseconds delay{0};
    /// Send only this many bytes of the answer; 0: nothing.
    std::optional<std::size_t> cut_at = {};
    /// Send in pieces of this many bytes, with `piece_delay` between; 0: in one.
    std::size_t piece = 0;
    std::chrono::milliseconds piece_delay{0};
    /// After it was sent whole, send its bytes from here on again and again, until the peer closes.
    std::optional<std::size_t> repeat_from = {};
    ending end = ending::keep_alive;
    /// Only for requests to this path, whatever their query; empty: for any.
    std::string path = {};

    /// An answer with a JSON body.
    [[nodiscard]] static COAUTH_DECL answer json(unsigned status, std::string body);
    /// Exactly these bytes.
    [[nodiscard]] static COAUTH_DECL answer bytes(std::string raw, ending end = ending::close);
};

} // namespace coauth::testing

#endif
