#ifndef COAUTH_TEST_SOAK_MISBEHAVIOUR_HPP
#define COAUTH_TEST_SOAK_MISBEHAVIOUR_HPP

#include <coauth/testing/response.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace soak
{

// What the server does with its n-th request. It follows from the seed alone, so that the clients'
// process knows it too.
class misbehaviour
{
public:
    explicit misbehaviour(std::uint64_t seed) : seed_(seed) {}

    [[nodiscard]] coauth::testing::response response(std::size_t n) const;
    // Whether that is a token, sent whole and at once.
    [[nodiscard]] bool good(std::size_t n) const;
    [[nodiscard]] static std::string token(std::size_t n);

private:
    [[nodiscard]] unsigned draw(std::size_t n, unsigned salt, unsigned below) const;

    std::uint64_t seed_;
};

} // namespace soak

#endif
