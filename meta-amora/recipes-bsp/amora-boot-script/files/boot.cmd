# Starts the slot that the environment names, with its root verified.
#
# A slot on trial (upgrade_available=1) has bootlimit tries, which U-Boot counts in bootcount; after them the other slot is
# gone back to for good. A slot that has proved itself is never left for another, but where its kernel cannot be loaded the
# other slot runs for this once. A slot without a root hash does not start.

part number ${devtype} ${devnum} rootA amora_part_a
part number ${devtype} ${devnum} rootB amora_part_b

if test "${amora_slot}" = b; then
    setenv amora_other a
else
    setenv amora_slot a
    setenv amora_other b
fi

if test "${upgrade_available}" = 1; then
    if test ${bootcount} -gt ${bootlimit}; then
        echo "Amora: slot ${amora_slot} failed ${bootlimit} tries, going back to slot ${amora_other}"
        setenv amora_failed ${amora_slot}
        setenv amora_slot ${amora_other}
        setenv amora_other ${amora_failed}
        setenv upgrade_available 0
        setenv bootcount 0
        setenv ustate 3
        saveenv
    fi
fi

setenv amora_slots "${amora_slot} ${amora_other}"
setenv amora_trial 0
setenv amora_tries 0
if test "${upgrade_available}" = 1; then
    setenv amora_slots ${amora_slot}
    setenv amora_trial 1
    setenv amora_tries ${bootcount}
fi

# The kernel at the bottom, then, with room for a kernel of 80 MiB, the device tree and the initramfs if there is one.
setexpr amora_fdt ${kernel_addr_r} + 5000000
setexpr amora_initramfs ${kernel_addr_r} + 5100000

# What a kernel says last stays in a piece of memory that outlives a reset, and the next one finds it there.
fdt move ${fdt_addr} ${amora_fdt}
fdt resize 4000
setexpr amora_memory ${kernel_addr_r} '&' f0000000
setexpr amora_log ${amora_memory} + b000000
setenv amora_reserved 1
fdt get value amora_cells /reserved-memory "#address-cells" || setenv amora_reserved 0
if test ${amora_reserved} = 0; then
    fdt get value amora_cells / "#address-cells"
    fdt get value amora_size_cells / "#size-cells"
    fdt mknode / reserved-memory
    fdt set /reserved-memory "#address-cells" <${amora_cells}>
    fdt set /reserved-memory "#size-cells" <${amora_size_cells}>
    fdt set /reserved-memory ranges
fi
fdt get value amora_size_cells /reserved-memory "#size-cells"
setenv amora_reg "0x${amora_log}"
if test ${amora_cells} -eq 2; then setenv amora_reg "0x0 ${amora_reg}"; fi
if test ${amora_size_cells} -eq 2; then setenv amora_reg "${amora_reg} 0x0"; fi
fdt mknode /reserved-memory ramoops
fdt set /reserved-memory/ramoops compatible ramoops
fdt set /reserved-memory/ramoops reg <${amora_reg} 0x40000>
fdt set /reserved-memory/ramoops record-size <0x10000>
fdt set /reserved-memory/ramoops console-size <0x10000>
fdt set /reserved-memory/ramoops ecc-size <16>
fdt set /reserved-memory/ramoops no-map

for slot in ${amora_slots}; do
    if test ${slot} = a; then
        setenv amora_part ${amora_part_a}
        setenv amora_label rootA
        setenv amora_sectors ${verity_a_sectors}
        setenv amora_blocks ${verity_a_blocks}
        setenv amora_hash ${verity_a_hash}
        setenv amora_salt ${verity_a_salt}
    else
        setenv amora_part ${amora_part_b}
        setenv amora_label rootB
        setenv amora_sectors ${verity_b_sectors}
        setenv amora_blocks ${verity_b_blocks}
        setenv amora_hash ${verity_b_hash}
        setenv amora_salt ${verity_b_salt}
    fi
    if test -z "${amora_hash}"; then
        echo "Amora: slot ${slot} has no root hash"
    elif load ${devtype} ${devnum}:${amora_part} ${kernel_addr_r} /boot/Image; then
        echo "Amora: starting slot ${slot}, trial ${amora_trial}, try ${amora_tries}"
        setenv amora_verity "0 ${amora_sectors} verity 1 PARTLABEL=${amora_label} PARTLABEL=${amora_label} 4096 4096 ${amora_blocks} ${amora_blocks} sha256 ${amora_hash} ${amora_salt}"
        setenv bootargs "root=/dev/dm-0 rootfstype=squashfs ro rootwait dm-mod.create=\"amora-root,,,ro,${amora_verity}\" dm-mod.waitfor=PARTLABEL=${amora_label} amora.slot=${slot} amora.trial=${amora_trial} amora.tries=${amora_tries} gpt panic=5 init=/usr/sbin/amora-init ${amora_args}"
        if load ${devtype} ${devnum}:${amora_part} ${amora_initramfs} /boot/initramfs; then
            booti ${kernel_addr_r} ${amora_initramfs}:${filesize} ${amora_fdt}
        else
            booti ${kernel_addr_r} - ${amora_fdt}
        fi
    else
        echo "Amora: slot ${slot} has no kernel"
    fi
done

# A reset lets the tries of a trial be counted.
echo "Amora: nothing to start"
sleep 1
reset
