// Operations on a token source: each byte is one of them, or a choice of chance within it.

#include "fuzz.hpp"
#include "unit/token_source_world.hpp"

#include <span>

namespace
{

class scripted_lots
{
public:
    explicit scripted_lots(std::span<std::uint8_t const>& script) : script_(&script) {}

    std::uint64_t below(std::uint64_t n) { return n <= 256 ? next() % n : next() * n / 256; }
    double chance() { return static_cast<double>(next()) / 256; }

private:
    std::uint64_t next()
    {
        if (script_->empty())
            return 0;
        auto const byte = script_->front();
        *script_ = script_->subspan(1);
        return byte;
    }

    std::span<std::uint8_t const>* script_;
};

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::span<std::uint8_t const> script(data, size);
    try
    {
        test::world<scripted_lots> tested{scripted_lots(script)};
        while (!script.empty())
            tested.step();
        tested.close();
    }
    catch (test::broken const& what)
    {
        fuzz::require(false, what.what());
    }
    return 0;
}
